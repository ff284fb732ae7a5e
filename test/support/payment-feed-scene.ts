import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { listenToCheckpoints } from '../../src/base/checkpoint.ts'
import type { DurablePush } from '../../src/feed/envelope.ts'
import { readFeed } from '../../src/feed/read.ts'
import type { ExpectedPayment } from '../../src/payments/register.ts'
import { PAYMENT_PUSHES } from '../../src/realtime/protocol/payment-pushes.ts'
import type { NewEvent } from '../../src/webhooks/event.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { feedDifferences } from './payment-feed.ts'
import { eventOf, expected, type FactShape, Processing } from './processing.ts'

/** What a captured payment's people are told. */
export const CAPTURE = ['payment:updated captured', 'payment:completed captured']

export interface ScenePayment {
  readonly ref: string
  readonly rider: string
  readonly driver: string
  /** An event about it, by default its capture. */
  fact(shape?: FactShape): NewEvent
}

/** A processor whose publisher only notes. */
export interface PaymentFeedScene {
  readonly database: TestDatabase
  readonly here: Processing
  /** What was published in this test. */
  published: DurablePush[]
  readonly publish: (pushes: readonly DurablePush[]) => void
  /** A registered payment of 10,000 piastres with a rider and a driver of its own. */
  payment(shape?: Partial<ExpectedPayment>): Promise<ScenePayment>
  /** Name and state of each message of a feed, in order. */
  told(userId: string): Promise<string[]>
}

/** Opens it for the whole file; after each test every feed must agree with the transitions. Filled by beforeAll. */
export function usePaymentFeeds(name: string): PaymentFeedScene {
  const scene = { published: [] as DurablePush[] } as {
    -readonly [Part in keyof PaymentFeedScene]: PaymentFeedScene[Part]
  }
  scene.publish = (pushes) => {
    // As the document of the protocol has them.
    for (const { event, data } of pushes)
      PAYMENT_PUSHES[event as keyof typeof PAYMENT_PUSHES].data.parse(data)
    scene.published.push(...pushes)
  }
  scene.payment = async (shape = {}) => {
    const ids = { customerId: `c-${randomUUID().slice(0, 8)}`, driverId: `d-${randomUUID().slice(0, 8)}` }
    const registered = expected({ ...ids, ...shape })
    await scene.here.register(registered)
    const { merchantRef, customerId, driverId } = registered
    const fact = (what: FactShape = {}) => eventOf({ merchantRef, ...what })
    return { ref: merchantRef, rider: customerId ?? '', driver: driverId ?? '', fact }
  }
  scene.told = async (userId) => {
    const page = await readFeed(scene.database.pool, userId, 0, 10_000)
    if (page.kind === 'lost') return expect.fail('the feed is lost')
    return page.messages.map(({ event, data }) => `${event} ${data.state}`)
  }
  beforeAll(async () => {
    scene.database = await testDatabase(name)
    scene.here = new Processing(scene.database, { publish: scene.publish })
  })
  afterEach(async () => {
    listenToCheckpoints(null)
    scene.published = []
    expect(await feedDifferences(scene.database.pool)).toEqual([])
  })
  afterAll(async () => {
    await scene.here?.close()
    await scene.database?.drop()
  })
  return scene
}
