import { expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { registerPayment } from '../../src/payments/register.ts'
import { splitPair } from '../../src/webhooks/gateways/kit/secret-form.ts'
import { type SampleDelivery, samples } from '../../src/webhooks/gateways/samples/samples.ts'
import { wakeParked } from '../../src/webhooks/park.ts'
import type { TestApp } from './app.ts'
import { expected } from './processing.ts'

/** Whatever opens the door of an account: its secret, and the half of a pair that does so by itself. */
export function openersOf(secret: string | undefined): readonly string[] {
  const [, privateHalf] = splitPair(secret ?? '') ?? []
  return [secret ?? '', privateHalf ?? ''].filter((text) => text !== '')
}

/** A beginning gives as much away. */
export function beginningsOf(openers: readonly string[]): readonly string[] {
  return openers.map((opener) => opener.slice(0, 20))
}

const SIGNATURE_KEY = /sign|hmac/i
/** Shorter values are times, versions and algorithms. */
const MIN_SIGNATURE_CHARACTERS = 31

/** What a delivery is signed with, wherever its gateway puts that. */
export function signaturesOf(gateway: string, { headers, query, body }: SampleDelivery): readonly string[] {
  const unsigned = ['content-type', ...(samples.get(gateway)?.unsignedHeaders ?? [])]
  const inHeaders = Object.entries(headers).flatMap(([name, value]) =>
    unsigned.includes(name) ? [] : [value, value.split(/[=,]/).at(-1) ?? ''],
  )
  const inQuery = [...new URLSearchParams(query).values()]
  return [...inHeaders, ...inQuery, ...inBody(body.toString())].filter(
    (text) => text.length >= MIN_SIGNATURE_CHARACTERS,
  )
}

function inBody(body: string): readonly string[] {
  if (!body.startsWith('{'))
    return [...new URLSearchParams(body)].flatMap(([name, value]) =>
      SIGNATURE_KEY.test(name) ? [value] : [],
    )
  return [...body.matchAll(/"(\w+)":"([^"]+)"/g)].flatMap(([, name = '', value = '']) =>
    SIGNATURE_KEY.test(name) ? [value] : [],
  )
}

/** Everything that a service says of itself, beside the rows where deliveries are kept as they came. */
export async function saidBy(app: TestApp, pool: Pool): Promise<string> {
  const metrics = await app.metrics('')
  const [events] = await pool.query<RowDataPacket[]>(
    'SELECT last_error, reason, type FROM webhook_events WHERE last_error IS NOT NULL OR reason IS NOT NULL',
  )
  const [listings] = await pool.query<RowDataPacket[]>('SELECT last_error FROM event_listings')
  const stored = [...events, ...listings].map((row) => JSON.stringify(row))
  return [...app.lines, ...metrics, ...stored].join('\n')
}

export function expectNoneOf(forbidden: readonly string[], text: string): void {
  for (const each of new Set(forbidden)) {
    const at = text.indexOf(each)
    expect(at < 0 ? '' : `${each}: ${text.slice(Math.max(0, at - 200), at + 200)}`).toBe('')
  }
}

/** What the deliveries say that are looked for. */
export function specOf(gateway: string, operationRef: string) {
  const { currency } = samples.get(gateway) ?? expect.fail('no sample')
  const refs = { merchantRef: `trip-${gateway}`, gatewayRef: `order-${gateway}`, operationRef }
  return { kind: 'captured' as const, ...refs, amountMinor: 10_000n, currency }
}

/** The payment that those deliveries are about. */
export async function expectPayment(pool: Pool, gateway: string, account = 'default'): Promise<void> {
  const { merchantRef, gatewayRef, amountMinor, currency } = specOf(gateway, '')
  const payment = expected({ gateway, account, merchantRef, gatewayRef, amountMinor, currency })
  await registerPayment(pool, payment, async (keys) => void (await wakeParked(pool, keys)))
}
