import { expect, it } from 'vitest'
import { maySettle } from '../event.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { accountProblems } from './settings.ts'
import { square, squareSignature } from './square.ts'

const PUBLIC_URL = 'https://pay.example.com/webhooks/square'

/** An event of that seller about a payment under a reference that any seller may give. */
function eventOf(merchant_id: unknown, settings: Readonly<Record<string, string>>) {
  const account = {
    gateway: 'square',
    account: 'default',
    secrets: ['key'],
    settings: { PUBLIC_URL, ...settings },
  }
  const money = { amount: 1_250, currency: 'USD' }
  const payment = { id: 'pay-1', status: 'COMPLETED', reference_id: 'trip-1', total_money: money }
  const event = { merchant_id, type: 'payment.updated', event_id: 'ev-1', data: { object: { payment } } }
  const body = Buffer.from(JSON.stringify(event))
  const headers = {
    'x-square-hmacsha256-signature': signHeaderHmac(body, 'key', squareSignature(PUBLIC_URL)),
  }
  const received = square.receive({ body, headers, query: new URLSearchParams() }, account, null)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

it('one application signs for all of its sellers: with MERCHANT_ID the payment of another one is held', () => {
  const other = eventOf('MOTHER', { MERCHANT_ID: 'MOURS' })
  expect(other).toMatchObject({ eventId: 'ev-1', fact: null, hold: 'owner_mismatch' })
  expect(maySettle(square, other)).toBe(false)
  for (const missing of [undefined, null, 7])
    expect(eventOf(missing, { MERCHANT_ID: 'MOURS' }).hold).toBe('owner_mismatch')
})

it('ours is believed, and without the setting every seller', () => {
  for (const settings of [{ MERCHANT_ID: ' MOURS ' }, { MERCHANT_ID: '' }, {}])
    expect(eventOf('MOURS', settings).fact).toMatchObject({ kind: 'captured', merchantRef: 'trip-1' })
})

it('the setting is known, and no account needs it', () => {
  const account = { gateway: 'square', account: 'default', secrets: ['key'], settings: { PUBLIC_URL } }
  expect(accountProblems(square, account, true)).toEqual([])
  const settings = { PUBLIC_URL, MERCHANT_ID: 'MOURS' }
  expect(accountProblems(square, { ...account, settings }, true)).toEqual([])
})
