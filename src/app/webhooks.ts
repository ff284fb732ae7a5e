import { AddressRanges } from '../base/addresses.ts'
import { reached } from '../base/checkpoint.ts'
import { systemClock } from '../base/clock.ts'
import type { Id } from '../base/ids.ts'
import { createSampler } from '../base/sampler.ts'
import type { Callbacks } from '../laravel/callbacks.ts'
import { Certificates } from '../webhooks/certificates.ts'
import { fetchText } from '../webhooks/fetch-text.ts'
import { adapters } from '../webhooks/gateways/registry.ts'
import { GroupCommit } from '../webhooks/group-commit.ts'
import { Ingest } from '../webhooks/ingest.ts'
import type { WebhookMetrics } from '../webhooks/metrics.ts'
import { wakeParked } from '../webhooks/park.ts'
import { PauseBoard } from '../webhooks/pauses.ts'
import { Processor } from '../webhooks/process.ts'
import { Sweeper } from '../webhooks/sweep.ts'
import { type Asker, openAsking } from './asking.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'

export interface Webhooks {
  /** Rings for events that went back to work; without a doorbell they are done here. */
  readonly ring: (ids: readonly Id[]) => void
  /** Takes up events that waited for these references. */
  readonly wake: (refKeys: readonly Buffer[]) => Promise<void>
  readonly ingest: Ingest
  readonly processor: Processor
  readonly sweeper: Sweeper
  /** Everything that turns by itself: the sweeper, and those who ask the gateways. */
  readonly sweepers: readonly (Sweeper | Asker)[]
}

/** From the door to the ledger: ingest, workers, sweeper. */
export function assembleWebhooks(
  options: AppOptions,
  { database, ring }: Resources,
  metrics: WebhookMetrics,
  { callbacks, feed }: { readonly callbacks: Callbacks | null; readonly feed: Feed },
): Webhooks {
  const { log, accounts, maxAttempts } = options
  const clock = options.clock ?? systemClock
  const ringFor = async (ids: readonly Id[]): Promise<boolean> => {
    reached('ingest:before-ring')
    const heard = await ring.ring(ids)
    if (!heard) metrics.ringFailed()
    reached('ingest:rung')
    return heard
  }
  const ringOrTakeOver = (ids: readonly Id[]): void => {
    void ringFor(ids).then((heard) => heard || sweeper.takeOver(ids))
  }
  const commit = new GroupCommit({
    pool: database.ingest,
    onStored: ringOrTakeOver,
    onBatch: metrics.committed,
  })
  const processor = new Processor({
    pool: database.workers,
    pauses: new PauseBoard(database.workers),
    log,
    callbacks: options.callbacks,
    maxAttempts,
    ring: ringOrTakeOver,
    onAnnounced: (ids) => callbacks?.ring(ids),
    publish: (pushes) => void feed.publisher.publish(pushes),
    onBatch: metrics.processed,
    onFailure: metrics.failed,
  })
  const sweeper = new Sweeper({
    pool: database.workers,
    log,
    ring: ringFor,
    depth: () => ring.depth(),
    process: (ids) => processor.process(ids),
    ...(options.sweep === undefined ? {} : { pace: options.sweep }),
  })
  const asking = openAsking(
    {
      pool: database.workers,
      log,
      accounts,
      clock,
      commit,
      ring: ringOrTakeOver,
      tempo: options.asking ?? {},
    },
    metrics,
  )
  return {
    sweepers: [sweeper, ...asking],
    ingest: openIngest(options, commit, metrics),
    processor,
    sweeper,
    ring: ringOrTakeOver,
    wake: async (refKeys) => {
      const woken = await wakeParked(database.commands, refKeys)
      if (woken.length > 0) ringOrTakeOver(woken)
    },
  }
}

function openIngest(options: AppOptions, commit: GroupCommit, metrics: WebhookMetrics): Ingest {
  const { log, accounts, clock = systemClock, internalApi } = options
  const fetching = options.fetchText ?? fetchText
  return new Ingest({
    adapters,
    accounts,
    commit,
    clock,
    metrics,
    certificates: new Certificates({ fetchText: fetching, clock }),
    fetchText: fetching,
    trustedProxies: new AddressRanges(internalApi?.trustedProxies ?? []),
    log,
    samplers: {
      refusals: createSampler({ ...LOG_LINES, clock }),
      acknowledgements: createSampler({ ...LOG_LINES, clock }),
    },
  })
}
