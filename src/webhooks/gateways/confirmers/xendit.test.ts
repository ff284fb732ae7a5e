import { describe, expect, it } from 'vitest'
import { isPayout, type PaymentFact } from '../../../payments/fact.ts'
import type { ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { objectOf, readObject } from '../xendit-facts.ts'
import { xenditConfirmer } from './xendit.ts'

const money = { currency: 'IDR', reference_id: 'trip-1' }
const v2 = {
  event: 'payment.succeeded',
  data: { ...money, id: 'py-1', payment_request_id: 'pr/1', amount: 99_000, status: 'SUCCEEDED' },
}
const shown = { ...money, id: 'pr/1', amount: 15_000, status: 'SUCCEEDED' }
const paid: PaymentFact = {
  kind: 'captured',
  merchantRef: 'trip-1',
  gatewayRef: 'pr/1',
  operationRef: 'pr/1',
  amountMinor: 1_500_000n,
  currency: 'IDR',
}

async function ask(told: JsonObject, body: JsonObject | null, status = 200) {
  const requests: ApiRequest[] = []
  const api = {
    settings: { API_KEY: 'xnd_key' },
    call: async (request: ApiRequest) => {
      requests.push(request)
      return { status, body }
    },
  }
  const said = readObject(objectOf(told)).fact
  const known = said !== null && isPayout(said) ? { fact: null, payout: said } : { fact: said, payout: null }
  const event = { eventId: 'e', type: 't', ...known, body: Buffer.from(JSON.stringify(told)) }
  return { said: await xenditConfirmer.ask(event, api), request: requests[0] }
}

describe('what is asked', () => {
  const refund = { ...money, id: 'rfd-1', amount: 1, status: 'SUCCEEDED' }
  const authorization = `Basic ${Buffer.from('xnd_key:').toString('base64')}`

  it.each<[string, JsonObject, string, boolean]>([
    ['a payment of version 2 by its request', v2, '/payment_requests/pr%2F1', false],
    [
      'a payment of version 3 by its own id',
      { event: 'payment.capture', data: { ...v2.data, payment_id: 'py-3' } },
      '/v3/payments/py-3',
      true,
    ],
    [
      'a refund',
      { event: 'refund.succeeded', data: { ...refund, invoice_id: 'i' } },
      '/refunds/rfd-1',
      false,
    ],
    [
      'a refund of version 3',
      { event: 'refund.succeeded', data: { ...refund, payment_id: 'py-3', refund_id: 'rfd-3' } },
      '/v3/refunds/rfd-3',
      true,
    ],
    [
      'an invoice',
      { id: 'inv-1', external_id: 'trip-1', status: 'PAID', amount: 1 },
      '/v2/invoices/inv-1',
      false,
    ],
  ])('%s', async (_, told, path, isV3) => {
    const headers = { authorization, ...(isV3 && { 'api-version': '2024-11-11' }) }
    expect((await ask(told, null)).request).toEqual({ method: 'GET', path, headers })
  })
})

describe('what is answered', () => {
  it('is what is confirmed, and not what the delivery said', async () => {
    expect((await ask(v2, shown)).said).toEqual({ kind: 'confirmed', fact: paid })
  })

  it('confirms a capture in parts, a refund and an invoice', async () => {
    const payment = { ...money, payment_id: 'py-3', payment_request_id: 'pr-3', status: 'SUCCEEDED' }
    const captures = [{ capture_amount: 10_000 }]
    const said = await ask(
      { event: 'payment.capture', data: { ...payment, request_amount: 1 } },
      { ...payment, captures },
    )
    expect(said.said).toMatchObject({
      kind: 'confirmed',
      fact: { amountMinor: 1_000_000n, operationRef: 'py-3' },
    })
    const refund = { ...money, id: 'rfd-1', payment_request_id: 'pr-1', amount: 100, status: 'SUCCEEDED' }
    expect((await ask({ event: 'refund.succeeded', data: refund }, refund)).said).toMatchObject({
      kind: 'confirmed',
      fact: { kind: 'refunded', gatewayRef: 'pr-1', operationRef: 'rfd-1', amountMinor: 10_000n },
    })
    const invoice = { id: 'inv-1', external_id: 'trip-1', status: 'PAID', amount: 100, currency: 'IDR' }
    expect((await ask(invoice, { ...invoice, status: 'SETTLED' })).said).toMatchObject({
      kind: 'confirmed',
      fact: { kind: 'captured', merchantRef: 'trip-1', amountMinor: 10_000n },
    })
  })

  it('confirms that it was under way before it became what it is', async () => {
    const pending = { ...v2, data: { ...v2.data, status: 'PENDING' } }
    expect((await ask(pending, shown)).said).toEqual({
      kind: 'confirmed',
      fact: { ...paid, kind: 'pending' },
    })
  })

  it.each(['PENDING', 'REQUIRES_ACTION', 'AWAITING_CAPTURE'])(
    'is asked for again while it is %s',
    async (status) => {
      expect((await ask(v2, { ...shown, status })).said).toEqual({ kind: 'waiting' })
    },
  )

  it('is asked for again while a refund is under way, and where nothing can be read', async () => {
    const refund = { ...money, id: 'rfd-1', payment_request_id: 'pr-1', amount: 100, status: 'SUCCEEDED' }
    const pending = { ...refund, status: 'PENDING' }
    expect((await ask({ event: 'refund.succeeded', data: refund }, pending)).said).toEqual({
      kind: 'waiting',
    })
    expect((await ask(v2, null)).said).toEqual({ kind: 'waiting' })
    expect((await ask(v2, {}, 400)).said).toEqual({ kind: 'waiting' })
  })

  it.each<[string, JsonObject, number]>([
    ['object_unknown', { error_code: 'DATA_NOT_FOUND' }, 404],
    ['object_differs', { ...shown, id: 'pr-2' }, 200],
    ['object_differs', {}, 200],
    ['status_unknown', { ...shown, status: 'PAID' }, 200],
    ['status_differs', { ...shown, status: 'FAILED' }, 200],
  ])('denies: %s', async (reason, answer, status) => {
    expect((await ask(v2, answer, status)).said).toEqual({ kind: 'denied', reason })
  })
})
