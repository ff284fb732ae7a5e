import { expect, it } from 'vitest'
import type { GatewayEvent } from './adapter.ts'
import { CHECKOUTCOM_SIGNATURE, checkoutcom } from './checkoutcom.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'

const SECRET = 'cko-signature-key'

/**
 * Deliveries of https://www.checkout.com/docs/developer-resources/event-notifications/event-types, cut down to what is read, and what
 * each says there: "when a capture is successful", "your account has been debited the disputed amount". Written by hand: nothing here
 * is taken from the adapter.
 */
const DOCUMENTED = {
  approved: {
    id: 'evt_caxmnvuvbe4elkbdx2imwbnjxu',
    type: 'payment_approved',
    created_on: '2023-05-22T11:56:04.8821546Z',
    data: {
      id: 'pay_griq7wyqkggu7mnk7ecm6ysrl4',
      action_id: 'act_gl5cpqgccxeulozrvaassd4lta',
      reference: 'ORD-5023-4E89',
      amount: 20,
      currency: 'USD',
      payment_type: 'Regular',
      processed_on: '2023-05-22T11:56:01.1299682Z',
    },
  },
  captured: {
    id: 'evt_fkfqht6yonme7bk7jawrgzbbxq',
    source: 'gwc_notifier1',
    type: 'payment_captured',
    timestamp: '2023-05-24T09:12:32.357+00:00',
    data: {
      id: 'pay_vti5layihapu5bhbn5tjtk6eem',
      action_id: 'act_uqlj3642dyyuroivzdwfg2fysq',
      reference: 'ORD-5023-4E89',
      amount: 20,
      balances: { total_authorized: 20, total_captured: 20, total_refunded: 0, available_to_refund: 20 },
      currency: 'EUR',
    },
  },
  refunded: {
    id: 'evt_sojezy57bieu5hbxrmem74jx54',
    type: 'payment_refunded',
    created_on: '2023-05-24T09:28:33.7515599Z',
    data: {
      id: 'pay_234iojjumr4ejphuvcsnpnugs4',
      action_id: 'act_v3ap4uxinl6exk5hdgetatbywi',
      reference: 'ORD-5023-4E89',
      amount: 40000,
      balances: { total_authorized: 40000, total_captured: 40000, total_refunded: 40000 },
      currency: 'EUR',
    },
  },
  expired: {
    id: 'evt_h4htejbikgjurfdpczhbfvgh7a',
    type: 'dispute_expired',
    created_on: '2025-12-15T15:20:32.5824567+00:00',
    data: {
      id: 'dsp_9rjdlsd4epepfjyyf9vl',
      date: '2022-12-15T15:20:31.5042702+00:00',
      category: 'fraudulent',
      amount: 8150,
      currency: 'GBP',
      reason_code: '10.4',
      payment_id: 'pay_cnhuomagalglgozxy5zm',
      payment_action_id: 'act_7B15779D173D0W45700D',
      payment_reference: 'Disputes QA',
      payment_method: 'VISA',
    },
  },
} as const

function eventOfBody(told: JsonObject): GatewayEvent {
  const body = Buffer.from(JSON.stringify(told))
  const headers = { 'cko-signature': signHeaderHmac(body, SECRET, CHECKOUTCOM_SIGNATURE) }
  const account = { gateway: 'checkoutcom', account: 'default', secrets: [SECRET], settings: {} }
  const received = checkoutcom.receive({ body, headers, query: new URLSearchParams() }, account, null)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

it('payment_approved: "a payment authorization is approved"; 0.20 dollars are set aside', () => {
  expect(eventOfBody(DOCUMENTED.approved)).toEqual({
    eventId: 'evt_caxmnvuvbe4elkbdx2imwbnjxu',
    type: 'payment_approved',
    occurredAt: new Date('2023-05-22T11:56:04.882Z'),
    signed: ['reference', 'amount', 'currency', 'status', 'transaction'],
    hold: null,
    fact: {
      kind: 'authorized',
      merchantRef: 'ORD-5023-4E89',
      gatewayRef: 'pay_griq7wyqkggu7mnk7ecm6ysrl4',
      operationRef: 'act_gl5cpqgccxeulozrvaassd4lta',
      amountMinor: 20n,
      currency: 'USD',
    },
  })
})

it('payment_captured: "a capture is successful"; the money is that of this capture', () => {
  expect(eventOfBody(DOCUMENTED.captured)).toMatchObject({
    occurredAt: new Date('2023-05-24T09:12:32.357Z'),
    fact: {
      kind: 'captured',
      gatewayRef: 'pay_vti5layihapu5bhbn5tjtk6eem',
      operationRef: 'act_uqlj3642dyyuroivzdwfg2fysq',
      amountMinor: 20n,
      currency: 'EUR',
    },
  })
})

it('payment_refunded: "a refund is successful"; 400 euros, found by the payment and known by its action', () => {
  expect(eventOfBody(DOCUMENTED.refunded).fact).toEqual({
    kind: 'refunded',
    merchantRef: 'ORD-5023-4E89',
    gatewayRef: 'pay_234iojjumr4ejphuvcsnpnugs4',
    operationRef: 'act_v3ap4uxinl6exk5hdgetatbywi',
    amountMinor: 40_000n,
    currency: 'EUR',
  })
})

it('dispute_expired: "the time limit to take action against a dispute runs out": the debited money is gone', () => {
  expect(eventOfBody(DOCUMENTED.expired).fact).toEqual({
    kind: 'dispute_lost',
    merchantRef: 'Disputes QA',
    gatewayRef: 'pay_cnhuomagalglgozxy5zm',
    operationRef: 'dsp_9rjdlsd4epepfjyyf9vl',
    amountMinor: 8_150n,
    currency: 'GBP',
  })
})
