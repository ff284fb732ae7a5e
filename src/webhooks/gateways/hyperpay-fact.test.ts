import { describe, expect, it } from 'vitest'
import { eventOf, payment, told } from '../../../test/support/hyperpay-notifications.ts'
import type { JsonObject } from './kit/body.ts'

const coded = (code: unknown) => ({ result: { code } })

describe('the facts', () => {
  const none = null
  it.each<[string, ...(string | null)[]]>([
    //     succeeded     review        waiting    rejected         cancelled    timed out
    ['PA', 'authorized', 'authorized', 'pending', 'failed', 'cancelled', 'expired'],
    ['DB', 'captured', 'captured', 'pending', 'failed', 'cancelled', 'expired'],
    ['CP', 'captured', 'captured', none, none, none, none],
    ['RV', 'cancelled', 'cancelled', none, none, none, none],
    ['RF', 'refunded', 'refunded', none, 'refund_failed', none, none],
    ['CB', 'disputed', 'disputed', none, none, none, none],
    ['CR', 'dispute_won', 'dispute_won', none, none, none, none],
  ])('%s', (paymentType, ...kinds) => {
    const codes = ['000.000.000', '000.400.000', '000.200.000', '800.100.152', '100.396.101', '100.396.103']
    const events = codes.map((code) => eventOf(told({ paymentType, referencedId: 'db-1', ...coded(code) })))
    expect(events.map(({ fact }) => fact?.kind ?? null)).toEqual(kinds)
    expect(events.every(({ hold }) => hold === null)).toBe(true)
  })

  it.each<[string, string]>([
    ['000.000.100', 'captured'],
    ['000.300.000', 'captured'],
    ['000.310.101', 'captured'],
    ['000.600.000', 'captured'],
    ['000.400.010', 'captured'],
    ['000.400.100', 'captured'],
    ['000.400.110', 'captured'],
    ['000.400.120', 'captured'],
    ['000.200.100', 'pending'],
    ['800.400.500', 'pending'],
    ['800.400.501', 'pending'],
    ['100.400.500', 'pending'],
    ['000.400.101', 'failed'],
    ['000.400.200', 'failed'],
    ['000.100.200', 'failed'],
    ['100.400.501', 'failed'],
    ['800.400.100', 'failed'],
    ['900.100.300', 'failed'],
    ['999.999.999', 'failed'],
  ])('%s is %s', (code, kind) => {
    expect(eventOf(told(coded(code))).fact?.kind).toBe(kind)
  })

  it.each<[string, JsonObject, string]>([
    ['a code with more behind it', coded('000.000.000x'), 'status_unknown'],
    ['a code with a line break', coded('000.000.000\n'), 'status_unknown'],
    ['a number for a code', coded(0), 'status_unknown'],
    ['no result', { result: null }, 'status_unknown'],
    ['money taken and not given back', coded('000.400.030'), 'status_unknown'],
    ['another payment type', { paymentType: 'CD' }, 'event_unknown'],
    ['no payment type', { paymentType: null }, 'event_unknown'],
    ['no id', { id: null }, 'operation_unreadable'],
    ['an amount of a third digit', { amount: '92.005' }, 'amount_unreadable'],
    ['a currency in lower case', { currency: 'sar' }, 'currency_unknown'],
  ])('%s is held', (_, change, hold) => {
    expect(eventOf(told(change))).toMatchObject({ fact: null, hold })
  })

  it('count results of the test mode only where the setting says so', () => {
    for (const code of ['000.100.110', '000.100.111', '000.100.112']) {
      expect(eventOf(told(coded(code)))).toMatchObject({ fact: null, hold: 'status_unknown' })
      const settings = { ACCEPT_TEST_RESULTS: 'true' }
      expect(eventOf(told(coded(code)), settings).fact?.kind).toBe('captured')
      expect(eventOf(told(coded(code)), { ACCEPT_TEST_RESULTS: 'false' }).fact).toBeNull()
    }
  })

  it('are of the charged amount and found by our own reference', () => {
    const presented = { presentationAmount: '24.50', presentationCurrency: 'USD' }
    expect(eventOf(told(presented))).toMatchObject({
      eventId: `${payment.id}:000.000.000`,
      type: 'PAYMENT.DB',
      occurredAt: new Date('2026-01-01T10:00:00Z'),
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        // The payment learns it, and a refund may name nothing else.
        gatewayRef: payment.id,
        operationRef: payment.id,
        amountMinor: 9_200n,
        currency: 'SAR',
      },
    })
    expect(eventOf(told({ amount: '1.5', currency: 'KWD' })).fact?.amountMinor).toBe(1_500n)
  })

  it('are found by the transaction before it, where a follow-up has no reference of ours', () => {
    const refund = {
      id: 'rf-1',
      paymentType: 'RF',
      merchantTransactionId: undefined,
      referencedId: payment.id,
    }
    expect(eventOf(told(refund)).fact).toMatchObject({
      merchantRef: null,
      gatewayRef: payment.id,
      operationRef: 'rf-1',
    })
    expect(eventOf(told({ merchantTransactionId: null })).fact?.gatewayRef).toBe(payment.id)
    // Or has one of its own, which no payment knows.
    const named = { ...refund, merchantTransactionId: 'refund-1' }
    expect(eventOf(told(named)).fact).toMatchObject({ merchantRef: 'refund-1', gatewayRef: payment.id })
  })

  it('of a capture teach its own id, which is what a refund of it names', () => {
    const capture = { id: 'cp-1', paymentType: 'CP', referencedId: payment.id }
    expect(eventOf(told(capture)).fact?.gatewayRef).toBe('cp-1')
    expect(eventOf(told({ ...capture, merchantTransactionId: null })).fact?.gatewayRef).toBe(payment.id)
  })

  it('a reversal names the transaction that it undoes, the end of a chargeback the chargeback', () => {
    const about = { id: 'own', referencedId: 'other' }
    expect(eventOf(told({ ...about, paymentType: 'RV' }))).toMatchObject({
      eventId: 'own:000.000.000',
      fact: { kind: 'cancelled', operationRef: 'other' },
    })
    expect(eventOf(told({ ...about, paymentType: 'CR' })).fact).toMatchObject({
      kind: 'dispute_won',
      operationRef: 'other',
    })
    for (const paymentType of ['CB', 'RF', 'CP'])
      expect(eventOf(told({ ...about, paymentType })).fact?.operationRef).toBe('own')
  })

  it.each(['RV', 'CR'])('%s without what it is about is held', (paymentType) => {
    expect(eventOf(told({ id: 'own', paymentType, referencedId: undefined }))).toMatchObject({
      fact: null,
      hold: 'operation_unreadable',
    })
  })

  it('say nothing of registrations, schedules and risk', () => {
    for (const type of ['REGISTRATION', 'SCHEDULE', 'RISK']) {
      const event = eventOf({ type, action: 'CREATED', payload: { ...payment, id: 'r1' } })
      expect(event).toMatchObject({ eventId: `${type}:r1:CREATED`, type, fact: null, hold: null })
    }
  })
})
