import { setTimeout as pause } from 'node:timers/promises'
import type { Id } from '../base/ids.ts'
import { WEBHOOK_QUEUE } from '../webhooks/queue.ts'
import type { CliContext } from './context.ts'

/** Redis on the same network answers in milliseconds; nobody waits longer for a doorbell that the sweeper replaces. */
const CONNECT_TRIES = 20
const CONNECT_PAUSE_MS = 25
/** Beyond this the sweeper, which takes 2,000 at a time, is as quick, and the queue stays short. */
const RING_LIMIT = 1_000

/** Rings for what went back to work, so that it need not wait for the sweeper's second. False: nobody heard. */
export async function ringFor(
  context: CliContext,
  ids: readonly Id[],
  queue = WEBHOOK_QUEUE,
): Promise<boolean> {
  if (context.redis === null || ids.length === 0 || ids.length > RING_LIMIT) return false
  // BullMQ takes longer to load than most commands take to run.
  const { Ring } = await import('../outbox/ring.ts')
  const ring = new Ring({
    redis: context.redis,
    name: queue,
    installation: context.database.database,
    onError: () => undefined,
  })
  try {
    for (let tries = 1; tries <= CONNECT_TRIES; tries += 1) {
      if (await ring.ring(ids)) return true
      await pause(CONNECT_PAUSE_MS)
    }
    return false
  } finally {
    await ring.close(0)
  }
}
