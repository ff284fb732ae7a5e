import { expect, it } from 'vitest'
import { loadConfig } from '../config.ts'

const SURROUNDINGS = { gateways: [], cores: 1 }

function load(env: Readonly<Record<string, string>>) {
  const loaded = loadConfig(env, SURROUNDINGS)
  return loaded.ok ? loaded.config.laravelBridge : loaded.problems
}

it('the bridge is off, and on with the prefix and the currency', () => {
  expect(load({})).toBeNull()
  expect(load({ LARAVEL_REDIS_PREFIX: 'laravel_database_' })).toBeNull()
  expect(load({ LARAVEL_BRIDGE: 'true' })).toEqual({ prefix: '', currency: 'EGP' })
  const set = { LARAVEL_BRIDGE: '1', LARAVEL_REDIS_PREFIX: ' laravel_database_ ', LARAVEL_CURRENCY: 'KWD' }
  expect(load(set)).toEqual({ prefix: 'laravel_database_', currency: 'KWD' })
})

it.each([
  ['LARAVEL_BRIDGE', 'yes', 'must be true, false, 1 or 0'],
  ['LARAVEL_REDIS_PREFIX', 'laravel database', 'must be 1 to 64 printable ASCII characters'],
  ['LARAVEL_CURRENCY', 'egp', 'must be an active ISO 4217 code in upper case'],
])('%s=%s is refused', (name, value, problem) => {
  expect(load({ [name]: value })).toEqual([`${name} ${problem}`])
})
