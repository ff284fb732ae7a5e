import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { parseFields } from '../../base/validation.ts'
import { COMMANDS, type CommandName, isCommandName } from './commands.ts'

const RIDE = '7f3c1f0a-8a5e-4f52-9c11-2f0e5b7a0001'
const OFFER = '01935a4c-0000-7000-8000-000000000001'
const HERE = { latitude: 30.0444, longitude: 31.2357 }

/** One that is right, for each. */
const SAMPLES = {
  ping: {},
  'auth:refresh': { token: 'e30.e30.c2ln' },
  'feed:resume': { since: 0 },
  'feed:ack': { seq: 41 },
  'driver:online': { ...HERE, category: 'car', zoneId: 'cairo' },
  'driver:offline': {},
  'driver:location': { ...HERE, speed: 3.2, heading: 359.9, accuracy: 12, at: 1_763_900_000_000 },
  'driver:accept:ride': { rideId: RIDE, offerId: OFFER },
  'driver:reject:ride': { rideId: RIDE, offerId: OFFER, reason: 'too far' },
  'driver:arrived': { rideId: RIDE },
  'ride:start': { rideId: RIDE, otp: '4711' },
  'ride:complete': { rideId: RIDE },
  'ride:cancel': { rideId: RIDE, reason: 'nobody came' },
  'bid:place': { rideId: RIDE, amountMinor: 12_050, currency: 'EGP' },
  'bid:withdraw': { rideId: RIDE },
  'ride:request': {
    ...{ category: 'car', zoneId: 'cairo', pickup: HERE, destination: { ...HERE, address: 'Tahrir' } },
    ...{ estimatedFareMinor: 12_050, currency: 'EGP', paymentMethod: 'card', policy: 'nearest' },
  },
  'bid:accept': { rideId: RIDE, bidId: OFFER },
  'customer:subscribe:ride': { rideId: RIDE },
  'customer:unsubscribe:ride': { rideId: RIDE },
} as const satisfies Record<CommandName, object>

const NAMES = Object.keys(COMMANDS) as CommandName[]

function errorsOf(name: CommandName, data: unknown): string[] {
  const parsed = parseFields(COMMANDS[name].data as z.ZodType, data)
  return parsed.ok ? [] : parsed.errors.map(({ field, message }) => `${field}: ${message}`)
}

describe('commands', () => {
  it.each(NAMES)('%s takes what is right', (name) => {
    expect(errorsOf(name, SAMPLES[name])).toEqual([])
  })

  it.each(NAMES)('%s refuses an unknown field by its name, and what is no object', (name) => {
    expect(errorsOf(name, { ...SAMPLES[name], tip: 1 })).toContain('tip: unknown field')
    for (const nothing of [null, [], 'x', 7]) expect(errorsOf(name, nothing)).toEqual([': an object'])
  })

  it.each(NAMES)('%s names each field that has to be there', (name) => {
    for (const field of Object.keys(SAMPLES[name])) {
      const { [field as never]: _, ...rest } = SAMPLES[name] as Record<string, unknown>
      const errors = errorsOf(name, rest)
      const schema = COMMANDS[name].data.shape[field as never] as z.ZodType
      expect(errors.map((error) => error.split(':')[0])).toEqual(
        schema.safeParse(undefined).success ? [] : [field],
      )
    }
  })

  it.each<[CommandName, Record<string, unknown>, string]>([
    ['driver:location', { latitude: 90.1 }, 'latitude: degrees from -90 to 90'],
    ['driver:location', { longitude: -181 }, 'longitude: degrees from -180 to 180'],
    ['driver:location', { latitude: '30' }, 'latitude: degrees from -90 to 90'],
    ['driver:location', { speed: 1e308 }, 'speed: metres a second, at most 400'],
    ['driver:location', { heading: 361 }, 'heading: degrees from north, at most 360'],
    ['driver:location', { at: 1.5 }, 'at: milliseconds since 1970'],
    ['driver:accept:ride', { rideId: '' }, 'rideId: 1 to 36 visible ASCII characters'],
    ['driver:accept:ride', { rideId: 'a b' }, 'rideId: 1 to 36 visible ASCII characters'],
    ['driver:accept:ride', { rideId: 'x'.repeat(37) }, 'rideId: 1 to 36 visible ASCII characters'],
    ['driver:accept:ride', { offerId: 'yesterday' }, 'offerId: a uuid'],
    ['ride:cancel', { reason: 'x'.repeat(256) }, 'reason: 1 to 255 characters'],
    ['ride:cancel', { reason: '\ud800' }, 'reason: well-formed text'],
    ['ride:start', { otp: '1'.repeat(17) }, 'otp: 1 to 16 characters'],
    [
      'bid:place',
      { amountMinor: 0 },
      'amountMinor: a whole number of minor units from 1 to 1000000000000000',
    ],
    [
      'bid:place',
      { amountMinor: 2 ** 53 },
      'amountMinor: a whole number of minor units from 1 to 1000000000000000',
    ],
    ['bid:place', { currency: 'egp' }, 'currency: an active ISO 4217 code in upper case'],
    ['bid:place', { currency: 'CLF' }, 'currency: a currency of at most three digits after the point'],
    ['ride:request', { pickup: null }, 'pickup: an object with latitude and longitude'],
    ['ride:request', { pickup: { ...HERE, latitude: 91 } }, 'pickup.latitude: degrees from -90 to 90'],
    ['ride:request', { policy: 'fastest' }, 'policy: one of nearest, broadcast, batch, bidding'],
    ['feed:resume', { since: -1 }, 'since: a whole number from 0 on'],
    ['feed:ack', { seq: 2 ** 53 }, 'seq: a whole number from 0 on'],
    ['auth:refresh', { token: 'x'.repeat(4_097) }, 'token: a token of at most 4096 characters'],
  ])('%s with %o is refused in words', (name, wrong, message) => {
    expect(errorsOf(name, { ...SAMPLES[name], ...wrong })).toContain(message)
  })

  it('reads what a phone does not know as null', () => {
    const read = (data: object) => COMMANDS['driver:location'].data.parse({ ...HERE, ...data })
    expect(read({ speed: -1, heading: null })).toEqual({
      ...HERE,
      speed: null,
      heading: null,
      accuracy: null,
    })
  })

  it('has no command of a name that every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', ''])
      expect(isCommandName(name)).toBe(false)
    expect(isCommandName('driver:location')).toBe(true)
  })
})
