import { describe, expect, it } from 'vitest'
import type { PayoutFact } from '../../../payments/payout.ts'
import type { ApiAnswer, Confirmer, EventInDoubt } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { flutterwaveConfirmer } from './flutterwave.ts'
import { gocardlessConfirmer } from './gocardless.ts'
import { xenditConfirmer } from './xendit.ts'

const payout: PayoutFact = {
  kind: 'payout_paid',
  merchantRef: 'week-48',
  gatewayRef: null,
  operationRef: '26251',
  amountMinor: 1_000n,
  currency: 'NGN',
}

/** What the confirmer makes of the answer, and the path that it asked. */
async function ask(confirmer: Confirmer, told: JsonObject, answer: ApiAnswer, said: PayoutFact | null) {
  const paths: string[] = []
  const event: EventInDoubt = {
    eventId: 'EV-1',
    type: 't',
    fact: null,
    payout: said,
    body: Buffer.from(JSON.stringify(told)),
  }
  const confirmation = await confirmer.ask(event, {
    settings: { SECRET_KEY: 'k', API_KEY: 'k', ACCESS_TOKEN: 'k' },
    call: async ({ path }) => {
      paths.push(path)
      return answer
    },
  })
  const words =
    confirmation.kind === 'confirmed'
      ? `${confirmation.fact.kind} ${confirmation.fact.operationRef} ${confirmation.fact.amountMinor}`
      : 'reason' in confirmation
        ? `denied: ${confirmation.reason}`
        : confirmation.kind
  return [...paths, words].join(' → ')
}

describe('Flutterwave v3', () => {
  const transfer = { id: 26_251, amount: 10, currency: 'NGN', reference: 'week-48', status: 'SUCCESSFUL' }
  const answer = (data: JsonObject | null, status = 200) => ({ status, body: { status: 'success', data } })
  const flutterwave = (got: ApiAnswer, said = payout) => ask(flutterwaveConfirmer, {}, got, said)
  it.each([
    [answer(transfer), '/v3/transfers/26251 → payout_paid 26251 1000'],
    [answer({ ...transfer, status: 'PENDING' }), '/v3/transfers/26251 → waiting'],
    [answer({ ...transfer, status: 'FAILED' }), '/v3/transfers/26251 → payout_paid 26251 1000'],
    [answer({ ...transfer, id: 1 }), '/v3/transfers/26251 → denied: transfer_unknown'],
    [answer(null, 404), '/v3/transfers/26251 → denied: transfer_unknown'],
  ])('%o', async (got, words) => {
    expect(await flutterwave(got)).toBe(words)
  })
  it('is asked about nothing that has another form', async () => {
    expect(await flutterwave(answer(transfer), { ...payout, operationRef: '1/../2' })).toBe(
      'denied: transfer_unknown',
    )
  })
  it('does not confirm a failure of what was paid', async () => {
    expect(await flutterwave(answer(transfer), { ...payout, kind: 'payout_failed' })).toMatch(
      /denied: status_differs$/,
    )
  })
})

describe('Xendit', () => {
  const data = { id: 'disb-1', amount: 10, currency: 'IDR', reference_id: 'week-48', status: 'SUCCEEDED' }
  const told = { event: 'payout.succeeded', data }
  const said: PayoutFact = { ...payout, operationRef: 'disb-1', currency: 'IDR' }
  it.each([
    [{ status: 200, body: data }, '/v2/payouts/disb-1 → payout_paid disb-1 1000'],
    [{ status: 200, body: { ...data, status: 'ACCEPTED' } }, '/v2/payouts/disb-1 → waiting'],
    [{ status: 200, body: { ...data, id: 'disb-2' } }, '/v2/payouts/disb-1 → denied: object_differs'],
    [{ status: 404, body: {} }, '/v2/payouts/disb-1 → denied: object_unknown'],
  ])('%o', async (got, words) => {
    expect(await ask(xenditConfirmer, told, got, said)).toBe(words)
  })
})

describe('GoCardless', () => {
  const event = { id: 'EV-1', resource_type: 'payouts', action: 'paid', links: { payout: 'PO-1' } }
  const payouts = { id: 'PO-1', amount: 1_000, currency: 'GBP', status: 'paid' }
  const answer = (change: JsonObject, status = 200) => ({
    status,
    body: { payouts: { ...payouts, ...change } },
  })
  it.each([
    [answer({}), '/payouts/PO-1 → payout_paid PO-1 1000'],
    [answer({ status: 'bounced' }), '/payouts/PO-1 → payout_returned PO-1 1000'],
    [answer({ status: 'pending' }), '/payouts/PO-1 → waiting'],
    [answer({ id: 'PO-2' }), '/payouts/PO-1 → denied: payout_unknown'],
    [answer({}, 404), '/payouts/PO-1 → denied: payout_unknown'],
  ])('%o', async (got, words) => {
    expect(await ask(gocardlessConfirmer, { events: [event] }, got, null)).toBe(words)
  })
})
