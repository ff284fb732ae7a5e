import type { z } from 'zod'
import type { PoolConnection } from '../../db/pools.ts'
import { type Parsed, parseFields } from '../base/validation.ts'
import type { Act, ActContext, Acted } from './bridge-acts.ts'
import type { MessageIdentity } from './bridge-key.ts'
import {
  BATCH_NOTIFICATION,
  DRIVER_ASSIGNED,
  LOST_ITEM,
  PAYMENT_COMPLETED,
  RIDE_CANCELLED,
  RIDE_COMPLETED,
  RIDE_CREATED,
  RIDE_MOVED,
  SAFETY_ALERT,
  TRIP_ACCEPTED,
} from './bridge-messages.ts'
import { batchNotification, lostItem, paymentCompleted, safetyAlert } from './bridge-pass-on.ts'
import {
  driverAssigned,
  rideCancelled,
  rideCompleted,
  rideCreated,
  rideMoved,
  tripAccepted,
} from './bridge-trips.ts'

/** A message that is as its channel's table says. */
export interface ReadMessage extends MessageIdentity {
  readonly traceId: string | null
  /** Messages of one trip are acted on in the order in which they came; those of none on a lane of their channel. */
  readonly lane: string
  act(connection: PoolConnection, context: ActContext): Promise<Acted>
}

/** One of Laravel's channels: what it carries, and what is done about it. docs/laravel/bridge.md has the same table. */
export interface BridgeChannel {
  readonly name: string
  /** `ride_id`, and with a `?` what may be left out. */
  readonly fields: readonly string[]
  readonly does: string
  /** What clients are told; null: nothing. */
  readonly pushes: string | null
  read(json: unknown): Parsed<ReadMessage>
}

interface Definition<Shape extends z.core.$ZodLooseShape> {
  readonly schema: z.ZodObject<Shape, z.core.$loose>
  readonly act: Act<z.output<z.ZodObject<Shape, z.core.$loose>>>
  readonly does: string
  readonly pushes: string | null
}

const ENVELOPE = ['published_at', 'created_at', 'updated_at', 'trace_id']

/** Loose, since each channel has a few of them. */
interface Named {
  readonly [field: string]: unknown
}

function channel<Shape extends z.core.$ZodLooseShape>(
  name: string,
  definition: Definition<Shape>,
): BridgeChannel {
  const { schema, act, does, pushes } = definition
  return {
    name,
    does,
    pushes,
    fields: Object.entries(schema.shape)
      .filter(([field]) => !ENVELOPE.includes(field))
      .map(([field, type]) => (isOptional(type as z.ZodType) ? `${field}?` : field)),
    read: (json) => {
      const parsed = parseFields(schema, json)
      if (!parsed.ok) return parsed
      const message = parsed.value
      const identity = identityOf(name, message)
      return {
        ok: true,
        value: { ...identity, act: (connection, context) => act(connection, message, context) },
      }
    },
  }
}

function isOptional(type: z.ZodType): boolean {
  return type.safeParse(undefined).success
}

/** `created_at` and `updated_at` tell when it was published only on the channels that tell of just that. */
function identityOf(channel: string, message: Named): Omit<ReadMessage, 'act'> {
  const texts = (...fields: string[]): string | null => {
    for (const field of fields) if (typeof message[field] === 'string') return message[field]
    return null
  }
  const trip = message.trip as { readonly id?: string | null } | null | undefined
  const rideId = texts('ride_id') ?? trip?.id ?? null
  const ownId = texts('lost_item_id', 'alert_id', 'id')
  const isOfRide = channel.startsWith('laravel:') && channel !== 'laravel:safety_alert.created'
  const ending = channel.endsWith('created')
    ? 'created_at'
    : channel.endsWith('updated')
      ? 'updated_at'
      : null
  const stamp = texts('published_at') ?? (ending === null ? null : texts(ending)) ?? texts('trace_id')
  return {
    channel,
    subject: isOfRide ? rideId : ownId,
    stamp,
    traceId: texts('trace_id'),
    lane: rideId ?? channel,
  }
}

/** Every channel that the bridge hears, and no other. */
export const BRIDGE_CHANNELS: readonly BridgeChannel[] = [
  channel('laravel:ride.created', {
    schema: RIDE_CREATED,
    act: rideCreated,
    does: 'creates the trip and looks for a driver, as `POST /internal/trips` does',
    pushes: null,
  }),
  channel('laravel:ride.cancelled', {
    schema: RIDE_CANCELLED,
    act: rideCancelled,
    does: 'the trip is cancelled',
    pushes: '`ride:cancelled`',
  }),
  channel('laravel:ride.started', {
    schema: RIDE_MOVED,
    act: rideMoved('ongoing'),
    does: 'the trip is under way',
    pushes: '`ride:started`',
  }),
  channel('laravel:ride.completed', {
    schema: RIDE_COMPLETED,
    act: rideCompleted,
    does: 'the trip is completed, at the fare',
    pushes: '`ride:completed`',
  }),
  channel('laravel:driver.assigned', {
    schema: DRIVER_ASSIGNED,
    act: driverAssigned,
    does: 'the trip is the driver’s',
    pushes: '`ride:driver_assigned`',
  }),
  channel('laravel:driver.arrived', {
    schema: RIDE_MOVED,
    act: rideMoved('arrived'),
    does: 'the driver is at the pickup',
    pushes: '`ride:driver_arrived`',
  }),
  channel('laravel:trip.accepted', {
    schema: TRIP_ACCEPTED,
    act: tripAccepted,
    does: 'the trip is the driver’s',
    pushes: '`ride:driver_assigned`, and `ride:driver_details` (otp, driver) to the rider alone',
  }),
  channel('laravel:otp.verified', {
    schema: RIDE_MOVED,
    act: rideMoved('ongoing'),
    does: 'the trip is under way',
    pushes: '`ride:started`',
  }),
  channel('laravel:payment.completed', {
    schema: PAYMENT_COMPLETED,
    act: paymentCompleted,
    does: 'nothing to any payment; told only where Onceline tracks none of this trip',
    pushes: '`payment:completed` with `source: laravel`',
  }),
  channel('laravel:batch.notification', {
    schema: BATCH_NOTIFICATION,
    act: batchNotification,
    does: 'tells the users, as `POST /internal/notify` does',
    pushes: 'the event, `notification:new` by default',
  }),
  channel('laravel:safety_alert.created', {
    schema: SAFETY_ALERT,
    act: safetyAlert,
    does: 'passed on to `user_ids` and `user_id` alone',
    pushes: '`safety_alert:new`',
  }),
  channel('lost_item:created', {
    schema: LOST_ITEM,
    act: lostItem('lost_item:created'),
    does: 'passed on to everybody it names',
    pushes: '`lost_item:created`',
  }),
  channel('lost_item:updated', {
    schema: LOST_ITEM,
    act: lostItem('lost_item:updated'),
    does: 'passed on to everybody it names',
    pushes: '`lost_item:updated`',
  }),
]
