import { describe, expect, it } from 'vitest'
import type { JsonObject } from './kit/body.ts'
import { readEvent } from './stripe-facts.ts'

const intent = {
  id: 'pi_1',
  object: 'payment_intent',
  amount: 1000,
  amount_received: 1000,
  currency: 'egp',
  latest_charge: 'ch_1',
  metadata: { merchant_ref: 'TRIP-1' },
}

const refund = {
  id: 're_1',
  object: 'refund',
  amount: 1000,
  currency: 'egp',
  payment_intent: 'pi_1',
  status: 'succeeded',
  reason: null,
  balance_transaction: 'txn_1',
}

function read(type: string, object: JsonObject, event: JsonObject = {}) {
  const result = readEvent({ id: 'evt_1', type, created: 1, data: { object }, ...event })
  if ('kind' in result) throw new Error(result.detail)
  return result
}

describe('events of connected accounts', () => {
  it.each<[string, JsonObject]>([
    ['payment_intent.succeeded', intent],
    ['refund.created', refund],
  ])('hold %s: the money is theirs, and the metadata was theirs to write', (type, object) => {
    for (const livemode of [true, false])
      expect(read(type, object, { account: 'acct_driver', livemode })).toMatchObject({
        eventId: 'evt_1',
        fact: null,
        hold: 'owner_mismatch',
      })
  })

  it('let by what says nothing about a payment', () => {
    expect(read('account.updated', { id: 'acct_driver' }, { account: 'acct_driver' })).toMatchObject({
      fact: null,
      hold: null,
    })
  })

  it.each([undefined, null])('are none where account is %s', (account) => {
    expect(read('payment_intent.succeeded', intent, { account }).fact?.kind).toBe('captured')
  })
})

describe('refunds of what was never captured', () => {
  it.each(['refund.created', 'refund.updated', 'charge.refund.updated'])('%s carries no fact', (type) => {
    const expired = { ...refund, reason: 'expired_uncaptured_charge', balance_transaction: null }
    expect(read(type, expired)).toMatchObject({ fact: null, hold: null })
  })

  it.each([null, 'requested_by_customer', 'duplicate', 'fraudulent'])('reason %s: a refund', (reason) => {
    expect(read('refund.created', { ...refund, reason }).fact).toMatchObject({
      kind: 'refunded',
      operationRef: 're_1',
    })
  })
})
