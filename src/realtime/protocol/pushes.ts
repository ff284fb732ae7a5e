import { z } from 'zod'
import { BID_PUSHES } from './bid-pushes.ts'
import { PAYMENT_PUSHES } from './payment-pushes.ts'
import { RIDE_PUSHES } from './ride-pushes.ts'
import { SESSION_PUSHES } from './session-pushes.ts'

/**
 * durable: numbered in the user's feed, and replayed to whoever was away. ephemeral: told to those who are there, at most once.
 * offer: the same, and never after its `expiresAt`. latest: of several that wait, the last one alone is told.
 */
export type PushClass = 'durable' | 'ephemeral' | 'offer' | 'latest'

/** One event that clients are told. */
export interface PushKind<Data extends z.ZodType = z.ZodType> {
  readonly data: Data
  readonly class: PushClass
  readonly summary: string
}

/**
 * What Laravel tells, passed on in its own words and with all its fields; `rideId` is null where it is about none.
 */
const PASSED_ON = z.looseObject({ rideId: z.string().nullable() })
const passedOn = (summary: string) => ({ data: PASSED_ON, class: 'durable', summary }) as const

const LARAVEL_PUSHES = {
  'lost_item:new': passedOn('something was left in a car'),
  'lost_item:created': passedOn('the same, as Laravel names it'),
  'lost_item:updated': passedOn('it was looked for, found, or given back'),
  'safety_alert:new': passedOn('somebody calls for help'),
  'safety_alert:sent': passedOn('the call was sent'),
  'safety_alert:received': passedOn('the call was received'),
  'notification:new': {
    data: z.looseObject({}),
    class: 'ephemeral',
    summary: 'whatever Laravel tells without a name of its own; with a `seq` where it asks for that',
  },
} as const

/**
 * Every event that clients are told, by its name. Laravel may send others (`promo:new`): what a client does not know, it passes over.
 * Fields may be added to any of them.
 */
export const PUSHES = {
  ...SESSION_PUSHES,
  ...PAYMENT_PUSHES,
  ...RIDE_PUSHES,
  ...BID_PUSHES,
  ...LARAVEL_PUSHES,
} as const satisfies Readonly<Record<string, PushKind>>

export type PushName = keyof typeof PUSHES
export type PushData<Name extends PushName> = z.output<(typeof PUSHES)[Name]['data']>
