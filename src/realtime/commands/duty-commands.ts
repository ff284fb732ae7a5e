import { assertNever } from '../../base/assert.ts'
import { type GoneOnline, goOffline, goOnline } from '../presence/driver-duty.ts'
import { type Handlers, nothing, type Outcome, ok, refusedForNow } from './command.ts'

/** A driver begins and ends his work. */
export function dutyCommands(): Handlers {
  return {
    'driver:online': {
      kind: 'once',
      limit: 'command',
      handle: async (connection, { user }, { zoneId, category, latitude, longitude }) => {
        const place = { zoneId, category, position: { latitude, longitude } }
        return nothing(onlineOutcome(await goOnline(connection, user.userId, place)))
      },
      pushesOf: ({ ok: isOnline }) =>
        isOnline ? [{ event: 'driver:online:success', data: { isOnline } }] : [],
    },
    'driver:offline': {
      kind: 'once',
      limit: 'command',
      handle: async (connection, { user }) => {
        const told = await goOffline(connection, user.userId)
        return { outcome: ok({ isOnline: false }), told }
      },
      pushesOf: (outcome) =>
        outcome.ok ? [{ event: 'driver:offline:success', data: { isOnline: false } }] : [],
    },
  }
}

function onlineOutcome(gone: GoneOnline): Outcome {
  switch (gone) {
    case 'online':
      return ok({ isOnline: true })
    case 'not_connected':
      return refusedForNow('not_connected', 'This connection is over; connect again.')
    case 'unknown_driver':
      return refusedForNow('driver_unknown', 'Laravel does not know this driver.')
    default:
      return assertNever(gone)
  }
}
