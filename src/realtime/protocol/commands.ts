import { z } from 'zod'
import { DISPATCH_POLICIES } from '../../matching/trips/trip.ts'
import { MAX_TOKEN_LENGTH, USER_TYPES, type UserType } from '../door/token.ts'
import {
  accuracy,
  amountMinor,
  fareCurrency,
  heading,
  id,
  latitude,
  longitude,
  momentMs,
  offerId,
  otp,
  paymentMethod,
  place,
  reason,
  seq,
  speed,
} from './fields.ts'

/** One command that a client may send. */
export interface Command<Data extends z.ZodType = z.ZodType> {
  /** Of the frame's `data`; unknown fields are refused by their names. */
  readonly data: Data
  /** Whose clients may send it. */
  readonly from: readonly UserType[]
  /**
   * once: it takes effect once for each user and id, and a repetition gets the first answer word for word. natural: saying
   * it again changes nothing, or is told anew; its id is only for the answer.
   */
  readonly idempotency: 'once' | 'natural'
  readonly summary: string
}

const DRIVER = ['driver'] as const
const CUSTOMER = ['customer'] as const
const BOTH = ['customer', 'driver'] as const

const ride = { rideId: id }
const offer = { ...ride, offerId }
const position = { latitude, longitude }
const text = (limit: number, expected: string) => z.string(expected).min(1, expected).max(limit, expected)

/** Every command, by its event. */
export const COMMANDS = {
  ping: natural(USER_TYPES, {}, 'is answered with the push `pong`, so that a silent connection is noticed'),
  'auth:refresh': natural(
    USER_TYPES,
    { token: text(MAX_TOKEN_LENGTH, `a token of at most ${MAX_TOKEN_LENGTH} characters`) },
    'goes on with a new token of the same user',
  ),
  'feed:resume': natural(USER_TYPES, { since: seq }, 'replays what came after `since`'),
  'feed:ack': natural(USER_TYPES, { seq }, 'all up to `seq` has reached the screen'),
  'driver:online': once(
    DRIVER,
    { ...position, category: id, zoneId: id },
    'may get offers, in this zone and category',
  ),
  'driver:offline': once(
    DRIVER,
    {
      latitude: latitude.nullish(),
      longitude: longitude.nullish(),
      category: id.nullish(),
      zoneId: id.nullish(),
    },
    'gets no more offers; what it says beside that is not looked at',
  ),
  'driver:location': natural(
    DRIVER,
    {
      ...position,
      speed,
      heading,
      accuracy,
      at: momentMs.nullish().describe('when the phone was there: milliseconds since 1970, by its own clock'),
    },
    'where he is, once a second; what comes sooner is passed over, since the next one is newer',
  ),
  'driver:accept:ride': once(DRIVER, offer, 'takes the ride that he was offered'),
  'driver:reject:ride': once(
    DRIVER,
    { ...offer, reason: reason.nullish() },
    'does not take it; the next driver is asked',
  ),
  'driver:arrived': once(DRIVER, ride, 'is at the pickup'),
  'ride:start': once(
    DRIVER,
    { ...ride, otp: otp.nullish().describe("the rider's code, where the ride has one") },
    'the ride is under way',
  ),
  'ride:complete': once(DRIVER, ride, 'the ride is at its end'),
  'ride:cancel': once(BOTH, { ...ride, reason: reason.nullish() }, 'gives the ride up'),
  'bid:place': once(
    DRIVER,
    { ...ride, amountMinor: amountMinor(1), currency: fareCurrency },
    'offers a fare',
  ),
  'bid:withdraw': once(DRIVER, ride, 'takes his bid back'),
  'ride:request': once(
    CUSTOMER,
    {
      category: id,
      zoneId: id,
      pickup: place,
      destination: place,
      estimatedFareMinor: amountMinor(0),
      currency: fareCurrency,
      paymentMethod: paymentMethod.nullish(),
      policy: z
        .enum(DISPATCH_POLICIES, `one of ${DISPATCH_POLICIES.join(', ')}`)
        .nullish()
        .describe("how a driver is found; by default the zone's own way"),
    },
    'asks for a ride',
  ),
  'bid:accept': once(CUSTOMER, { ...ride, bidId: offerId }, "takes a driver's bid"),
  'customer:subscribe:ride': natural(CUSTOMER, ride, "follows the driver's position on an own ride"),
  'customer:unsubscribe:ride': natural(CUSTOMER, ride, 'follows it no longer'),
} as const satisfies Readonly<Record<string, Command>>

export type CommandName = keyof typeof COMMANDS
/** A command's data as it is read: `null` where something may be left out. */
export type CommandData<Name extends CommandName> = z.output<(typeof COMMANDS)[Name]['data']>
/** The same as a client writes it. */
export type CommandInput<Name extends CommandName> = z.input<(typeof COMMANDS)[Name]['data']>

/** Own properties alone: `constructor` is the name of no command. */
export function isCommandName(event: string): event is CommandName {
  return Object.hasOwn(COMMANDS, event)
}

function once<Shape extends z.core.$ZodLooseShape>(
  from: readonly UserType[],
  shape: Shape,
  summary: string,
): Command<z.ZodObject<Shape, z.core.$strict>> {
  return { data: z.strictObject(shape, 'an object'), from, idempotency: 'once', summary }
}

function natural<Shape extends z.core.$ZodLooseShape>(
  from: readonly UserType[],
  shape: Shape,
  summary: string,
): Command<z.ZodObject<Shape, z.core.$strict>> {
  return { ...once(from, shape, summary), idempotency: 'natural' }
}
