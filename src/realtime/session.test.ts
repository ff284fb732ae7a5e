import { expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import { Hub } from './hub.ts'
import { Session } from './session.ts'

const USER = { userId: 'rider-1', userType: 'customer', expiresAtMs: 1_000 } as const

/** A session whose socket is over, or not, and the channels that its process listens to. */
function scene(isOpen: boolean) {
  const listened = new Set<string>()
  const hub = new Hub({
    clock: systemClock,
    metrics: { delivered: () => undefined, malformedEnvelope: () => undefined },
    onGap: () => undefined,
    onFence: () => undefined,
  })
  hub.listenWith({
    add: async (channel) => listened.add(channel).has(channel),
    remove: (channel) => listened.delete(channel),
  })
  const connection = { isOpen, channels: null, user: USER, isWarned: true } as unknown as Connection
  const session = new Session(connection, {
    channelOf: (topic) => `test:${topic}`,
    hub,
    catchUp: () => undefined,
    onShown: () => undefined,
    clock: systemClock,
    metrics: { shown: () => undefined },
  })
  return { session, listened, connection }
}

it('a command that outlives its connection subscribes to nothing, since nobody would give it back', async () => {
  const open = scene(true)
  await open.session.subscribe('ride:1')
  expect([...open.listened]).toEqual(['test:ride:1'])
  const over = scene(false)
  await over.session.subscribe('ride:1')
  expect([over.listened.size, over.session.topics]).toEqual([0, 0])
})

it('a token that ends no later is not warned of again', () => {
  const { session, connection } = scene(true)
  session.renew({ ...USER })
  expect(connection.isWarned).toBe(true)
  session.renew({ ...USER, expiresAtMs: 2_000 })
  expect([connection.isWarned, connection.user.expiresAtMs]).toEqual([false, 2_000])
})
