import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { newId } from '../../base/ids.ts'
import { isEventName } from '../../feed/message.ts'
import { feedMessagesOf } from '../../matching/trips/trip-announcement.ts'
import { TRIP_STATES, type TripState } from '../../matching/trips/trip-state.ts'
import { announcementsOf } from '../../payments/announcement.ts'
import type { Move } from '../../payments/moves.ts'
import type { PaymentRow } from '../../payments/store.ts'
import { PUSHES, type PushKind, type PushName } from './pushes.ts'

/** What is in none of the schemas is a defect of the schemas. */
function strictly(name: string): z.ZodType {
  const { data } = PUSHES[name as PushName]
  return z.strictObject((data as unknown as z.ZodObject).shape)
}

const NOW = new Date('2026-11-25T06:00:00.000Z')

function tripTold(to: TripState, finalFare: { amountMinor: bigint; currency: string } | null) {
  const trip = {
    ...{ id: 'ride-1', status: 'ongoing', state: to, version: 2, recorded: to, zoneId: null, category: null },
    ...{ customerId: 'rider-1', driverId: 'driver-1', paymentMethod: null, details: null, now: NOW },
    recordedDriverId: null,
    finalFare: to === 'cancelled' ? null : finalFare,
    cancellationFee: to === 'cancelled' ? finalFare : null,
  }
  return feedMessagesOf({
    trip,
    before: { ...trip, driverId: null },
    steps: [{ from: 'pending', to, observed: false }],
    by: { type: 'driver', id: 'driver-1' },
    reason: to === 'cancelled' ? 'no rider' : null,
  })
}

describe('what is told of a trip', () => {
  it.each(TRIP_STATES)('%s is as the table says', (to) => {
    for (const fare of [null, { amountMinor: 12_050n, currency: 'EGP' }])
      for (const { event, data } of tripTold(to, fare)) {
        expect(PUSHES[event as PushName].class).toBe('durable')
        strictly(event).parse(data)
      }
  })

  it('knows every name that is told', () => {
    const names = new Set(TRIP_STATES.flatMap((to) => tripTold(to, null)).map(({ event }) => event))
    expect([...names].sort()).toEqual([
      'ride:cancelled',
      'ride:completed',
      'ride:driver_arrived',
      'ride:driver_assigned',
      'ride:redispatched',
      'ride:started',
    ])
  })
})

const KINDS = ['pending', 'captured', 'failed', 'refunded', 'disputed'] as const

describe('what is told of a payment', () => {
  it.each(KINDS)('%s is as the table says', (kind) => {
    const fact = { kind, amountMinor: kind === 'pending' ? null : 12_050n }
    const row = {
      ...{ id: newId(), tripId: kind === 'failed' ? null : 'ride-1' },
      payment: { expectedMinor: 12_050n, currency: 'EGP' },
    }
    const move = { fact, to: kind === 'failed' ? 'failed' : 'captured' }
    const told = announcementsOf(move as unknown as Move, row as unknown as PaymentRow, NOW)
    expect(told.length).toBe(kind === 'pending' ? 1 : 2)
    for (const { event, payload } of told) {
      const name = event.replace('.', ':')
      expect(PUSHES[name as PushName].class).toBe('durable')
      strictly(name).parse(payload)
    }
  })
})

it('names every push as a feed can hold it, and every offer says until when', () => {
  for (const [name, { class: kind, data }] of Object.entries(PUSHES) as [string, PushKind][]) {
    expect(isEventName(name), name).toBe(true)
    if (kind === 'offer') expect(Object.keys((data as z.ZodObject).shape)).toContain('expiresAt')
  }
})
