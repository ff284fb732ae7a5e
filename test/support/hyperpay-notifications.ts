import { expect } from 'vitest'
import type { GatewayAccount } from '../../src/webhooks/gateways/adapter.ts'
import { hyperpay } from '../../src/webhooks/gateways/hyperpay.ts'
import { encrypt } from '../../src/webhooks/gateways/hyperpay-cipher.ts'
import type { JsonObject } from '../../src/webhooks/gateways/kit/body.ts'

export const KEY = '000102030405060708090A0B0C0D0E0F000102030405060708090A0B0C0D0E0F'
export const IV = Buffer.from('3D575574536D450F71AC76D8', 'hex')

export const payment = {
  id: '8a829449515d198b01517d5601df5584',
  paymentType: 'DB',
  paymentBrand: 'MADA',
  amount: '92.00',
  currency: 'SAR',
  merchantTransactionId: 'trip-1',
  result: { code: '000.000.000', description: 'Transaction succeeded' },
  timestamp: '2026-01-01 10:00:00+0000',
}

export interface Sent {
  readonly body: string
  readonly iv: string
  readonly tag: string
}

export function seal(plaintext: Buffer | string, key = KEY): Sent {
  const { ciphertext, iv, tag } = encrypt(Buffer.from(plaintext), Buffer.from(key, 'hex'), IV)
  return { body: ciphertext.toString('hex'), iv: iv.toString('hex'), tag: tag.toString('hex') }
}

export function receive(
  { body, iv, tag }: Sent,
  secrets: readonly string[] = [KEY],
  settings: GatewayAccount['settings'] = {},
) {
  const headers = { 'x-initialization-vector': iv, 'x-authentication-tag': tag }
  const account = { gateway: 'hyperpay', account: 'default', secrets, settings }
  return hyperpay.receive({ body: Buffer.from(body), headers, query: new URLSearchParams() }, account, 0)
}

export function eventOf(notification: JsonObject | string, settings: GatewayAccount['settings'] = {}) {
  const text = typeof notification === 'string' ? notification : JSON.stringify(notification)
  const received = receive(seal(text), [KEY], settings)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

export const told = (change: JsonObject) => ({ type: 'PAYMENT', payload: { ...payment, ...change } })
