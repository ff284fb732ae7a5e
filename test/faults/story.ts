import type { FactKind } from '../../src/payments/fact.ts'
import { buildDelivery, newSecret, type SampleDelivery } from '../../src/webhooks/gateways/samples/samples.ts'
import type { Chance } from './chance.ts'

/** What the sender knows of one payment: the truth that the service has to arrive at, whatever dies meanwhile. */
export interface Story {
  readonly gateway: StoryGateway
  readonly merchantRef: string
  readonly gatewayRef: string | null
  readonly amountMinor: bigint
  readonly currency: string
  /** Some riders and drivers are in many stories, so that their feeds are written by several processes at once. */
  readonly customerId: string | null
  readonly driverId: string | null
  /**
   * first: registered before anything is sent. meanwhile: while its events arrive. forgotten: as meanwhile, by a process
   * that dies after the commit and never looks for parked events.
   */
  readonly registration: 'first' | 'meanwhile' | 'forgotten'
  /** In this order, unless `atOnce`. */
  readonly tellings: readonly Telling[]
  readonly atOnce: boolean
}

/** One event of the gateway, and what became of telling it. */
export interface Telling {
  readonly kind: FactKind
  readonly amountMinor: bigint
  /** The gateway's event id, as it is to be found in webhook_events. */
  readonly eventId: string
  readonly delivery: SampleDelivery
  /** The gateway sends again to the other node although it was answered, or to both at once. */
  readonly repeats: 'no' | 'after' | 'at_once'
  /** A gateway that does not send again after an error: stored or not, both are right. */
  readonly givesUp: boolean
  /** The ids of rows that acknowledgements named: one, or none yet. */
  readonly rowIds: Set<string>
  /** How many acknowledgements said that this very delivery stored it: never two. */
  stored: number
}

type StoryGateway = 'kashier' | 'stripe'

export type Secrets = Readonly<Record<StoryGateway, string>>

export function newSecrets(): Secrets {
  return { kashier: newSecret('kashier'), stripe: newSecret('stripe') }
}

const RIDERS = 12
const DRIVERS = 6

type Chapter = readonly [kind: FactKind, amountMinor: bigint]

/** Invents a payment's story; the same chance invents the same one. `name` must be new. */
export function inventStory(chance: Chance, name: string, secrets: Secrets): Story {
  const gateway = chance.pick(['kashier', 'stripe'] as const)
  const currency = gateway === 'kashier' ? 'EGP' : chance.pick(['EGP', 'USD', 'KWD'])
  const amountMinor = BigInt(chance.between(100, 5_000_000))
  const chapters = inventChapters(chance, gateway, amountMinor)
  const story = {
    gateway,
    merchantRef: name,
    gatewayRef: gateway === 'stripe' && chance.happens(0.5) ? `pi_${name}` : null,
    amountMinor,
    currency,
    customerId: chance.happens(0.9) ? `rider-${chance.between(1, RIDERS)}` : null,
    driverId: chance.happens(0.8) ? `driver-${chance.between(1, DRIVERS)}` : null,
    registration: chance.happens(0.6)
      ? 'first'
      : chance.pick(['meanwhile', 'meanwhile', 'forgotten'] as const),
    atOnce: chance.happens(0.5),
  } as const
  const tellings = chapters.map(([kind, amount], index) =>
    telling(chance, story, secrets[gateway], { kind, amount, operationRef: `${name}-${index}` }),
  )
  return { ...story, tellings: chance.happens(0.5) ? chance.shuffled(tellings) : tellings }
}

function inventChapters(chance: Chance, gateway: StoryGateway, amountMinor: bigint): Chapter[] {
  const before: Chapter[] = []
  if (chance.happens(0.3)) before.push(['pending', amountMinor])
  if (chance.happens(0.4)) before.push(['failed', amountMinor])
  if (chance.happens(0.1)) return [...before, ['failed', amountMinor]]
  // Kashier does not sign that a refund is one: such an event waits for a person and is no story for this test.
  const refunds = gateway === 'stripe' && chance.happens(0.6) ? inventRefunds(chance, amountMinor) : []
  return [...before, ['captured', amountMinor], ...refunds]
}

/** Up to three partial refunds, now and then of all the money. */
function inventRefunds(chance: Chance, amountMinor: bigint): Chapter[] {
  const count = BigInt(chance.between(1, 3))
  const part = amountMinor / (count + 1n)
  const refunds = Array.from({ length: Number(count) }, (): Chapter => ['refunded', part])
  return chance.happens(0.3) ? [...refunds, ['refunded', amountMinor - part * count]] : refunds
}

type StoryHead = Omit<Story, 'tellings'>

function telling(
  chance: Chance,
  { gateway, merchantRef, currency }: StoryHead,
  secret: string,
  chapter: { kind: FactKind; amount: bigint; operationRef: string },
): Telling {
  const { kind, amount: amountMinor, operationRef } = chapter
  const spec = { kind, merchantRef, operationRef, amountMinor, currency, nowMs: Date.now(), secret }
  return {
    kind,
    amountMinor,
    eventId: gateway === 'stripe' ? `evt_${operationRef}_${kind}` : `${operationRef}:${KASHIER_STATUS[kind]}`,
    delivery: buildDelivery(gateway, spec),
    repeats: chance.pick(['no', 'no', 'no', 'after', 'at_once'] as const),
    givesUp: kind !== 'captured' && chance.happens(0.1),
    rowIds: new Set(),
    stored: 0,
  }
}

const KASHIER_STATUS: Partial<Record<FactKind, string>> = {
  pending: 'PENDING',
  failed: 'FAILURE',
  captured: 'SUCCESS',
}
