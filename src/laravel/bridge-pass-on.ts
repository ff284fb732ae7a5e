import type { z } from 'zod'
import { isUserId } from '../feed/message.ts'
import { readTrip } from '../matching/trips/trip-reader.ts'
import { tracksTrip } from '../payments/store.ts'
import { type Act, currencyOf, NOTHING_NEW, refused, tell } from './bridge-acts.ts'
import { exactMinor } from './bridge-fields.ts'
import type { BATCH_NOTIFICATION, LOST_ITEM, PAYMENT_COMPLETED, SAFETY_ALERT } from './bridge-messages.ts'
import { notifyIn } from './notification.ts'

/**
 * A payment that Onceline tracks is announced by Onceline alone, when a gateway has signed it. Of others (cash, a wallet)
 * Laravel's word is passed on as that. No payment is changed by it, ever.
 */
export const paymentCompleted: Act<z.output<typeof PAYMENT_COMPLETED>> = async (
  connection,
  message,
  context,
) => {
  const { ride_id: rideId, amount, payment_method: method } = message
  const trip = await readTrip(connection, rideId)
  const currency = message.currency ?? currencyOf(trip, context)
  const amountMinor = exactMinor(amount, currency)
  if (amountMinor === null) return refused('amount_not_exact')
  if (await tracksTrip(connection, rideId)) return NOTHING_NEW
  const users = distinct([
    message.customer_id ?? trip?.customerId ?? null,
    message.driver_id ?? trip?.driverId ?? null,
  ])
  if (users.length === 0) return refused('nobody_to_tell', true)
  const data = {
    ...{ paymentId: null, rideId, state: 'captured', amountMinor: Number(amountMinor), currency },
    ...{ paymentMethod: method, source: 'laravel', at: trip?.now.toISOString() ?? message.published_at },
  }
  return tell(
    connection,
    users.map((userId) => ({ userId, event: 'payment:completed', data })),
  )
}

const DEFAULT_EVENT = 'notification:new'

export const batchNotification: Act<z.output<typeof BATCH_NOTIFICATION>> = async (connection, message) => {
  const { user_ids, event, data, title, body, durable } = message
  const pushes = await notifyIn(connection, {
    userIds: distinct(user_ids),
    event: event ?? DEFAULT_EVENT,
    data: data ?? { title, body },
    durable: durable ?? false,
  })
  return { kind: 'done', told: { pushes, rings: [] } }
}

/**
 * To those whom the message names as its receivers and to nobody else: a rider's call for help must not appear on his driver's
 * screen because the message also says who drives.
 */
export const safetyAlert: Act<z.output<typeof SAFETY_ALERT>> = (connection, message) =>
  passOn(connection, 'safety_alert:new', [...(message.user_ids ?? []), message.user_id], message)

/** To those whom the message names, the trip's rider and driver among them. */
export function lostItem(event: string): Act<z.output<typeof LOST_ITEM>> {
  return (connection, message) =>
    passOn(
      connection,
      event,
      [...(message.user_ids ?? []), message.user_id, message.customer_id, message.driver_id],
      message,
    )
}

const NOT_FOR_USERS = ['user_ids', 'trace_id', 'published_at']

function passOn(
  connection: Parameters<Act<unknown>>[0],
  event: string,
  userIds: readonly (string | null)[],
  message: Readonly<Record<string, unknown>> & { readonly ride_id: string | null },
) {
  const shown = Object.entries(message).filter(
    ([name, value]) => value !== null && !NOT_FOR_USERS.includes(name),
  )
  const data = { ...Object.fromEntries(shown), rideId: message.ride_id }
  return tell(
    connection,
    distinct(userIds).map((userId) => ({ userId, event, data })),
  )
}

/** Without what no feed can have: Laravel's rows are not checked. */
function distinct(userIds: readonly (string | null)[]): string[] {
  return [...new Set(userIds)].filter((userId) => userId !== null).filter(isUserId)
}
