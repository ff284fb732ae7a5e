import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import { maySettle } from '../event.ts'
import { accountProblems } from './settings.ts'
import { signSslcommerz, sslcommerz } from './sslcommerz.ts'

const SECRET = 'qwerty'
const account = { gateway: 'sslcommerz', account: 'default', secrets: [SECRET], settings: {} }

const valid = {
  amount: '100.00',
  bank_tran_id: '1901010000',
  currency: 'BDT',
  status: 'VALID',
  tran_date: '2026-01-01 10:00:00',
  tran_id: 'trip-1',
  val_id: '2601011000000abcdef',
}

function formOf(fields: Readonly<Record<string, string>>, keys = Object.keys(fields)): URLSearchParams {
  const form = new Map(Object.entries({ ...fields, verify_key: keys.join(',') }))
  return new URLSearchParams([...form, ['verify_sign', signSslcommerz(form, SECRET) ?? '']])
}

function receive(form: URLSearchParams | string, settings = {}) {
  const delivery = { body: Buffer.from(form.toString()), headers: {}, query: new URLSearchParams() }
  return sslcommerz.receive(delivery, { ...account, settings }, null)
}

function eventOf(form: URLSearchParams) {
  const received = receive(form)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('what is signed', () => {
  it.each(Object.keys(valid))('another %s is refused', (name) => {
    const form = formOf(valid)
    form.set(name, 'CANCELLED')
    expect(receive(form)).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it.each(['amount', 'currency', 'status', 'tran_id', 'val_id'])(
    'a verify_key that an attacker narrowed by %s is refused, though it is signed',
    (left) => {
      const keys = Object.keys(valid).filter((name) => name !== left)
      expect(receive(formOf(valid, keys))).toEqual({
        kind: 'refused',
        code: 'signature_invalid',
        detail: 'verify_key leaves out a field that decides',
      })
    },
  )

  it('REQUIRED_KEYS asks for more, and cannot ask for less', () => {
    expect(receive(formOf(valid), { REQUIRED_KEYS: 'store_id' }).kind).toBe('refused')
    expect(receive(formOf(valid, ['status', 'val_id']), { REQUIRED_KEYS: 'status' }).kind).toBe('refused')
    expect(receive(formOf(valid), { REQUIRED_KEYS: 'amount, tran_date' }).kind).toBe('accepted')
    const problems = accountProblems(sslcommerz, { ...account, settings: { REQUIRED_KEYS: 'a b' } }, true)
    expect(problems).toEqual(['REQUIRED_KEYS must be names of fields'])
  })

  it.each<[string, (form: URLSearchParams) => void]>([
    ['without verify_key', (form) => form.delete('verify_key')],
    ['that names a field twice', (form) => form.set('verify_key', `${form.get('verify_key')},amount`)],
    ['that names the password', (form) => form.set('verify_key', `${form.get('verify_key')},store_passwd`)],
  ])('a form %s is refused', (_, change) => {
    const form = formOf(valid)
    change(form)
    expect(receive(form)).toMatchObject({ detail: 'verify_key is missing or names a field twice' })
  })

  it.each<[string, string]>([
    ['', 'signature_missing'],
    ['ab', 'signature_invalid'],
    ['g'.repeat(32), 'signature_invalid'],
    ['0'.repeat(32), 'signature_invalid'],
  ])('the verify_sign %j is refused', (sign, code) => {
    const form = formOf(valid)
    form.set('verify_sign', sign)
    expect(receive(form)).toMatchObject({ kind: 'refused', code })
  })

  it('a field that comes twice, or a body that is no form, is refused', () => {
    expect(receive(`${formOf(valid)}&amount=1.00`)).toMatchObject({ code: 'malformed_body' })
    expect(receive('%ff=1')).toMatchObject({ code: 'malformed_body' })
  })

  it('unsigned fields are not read', () => {
    const form = formOf(valid)
    form.set('currency_type', 'USD')
    form.set('currency_amount', '1.00')
    form.set('risk_level', '1')
    expect(eventOf(form)).toEqual(eventOf(formOf(valid)))
  })

  it('moves nothing by itself', () => {
    expect(maySettle(sslcommerz, eventOf(formOf(valid)))).toBe(false)
  })
})

describe('the status', () => {
  it.each<[string, FactKind | null]>([
    ['VALID', 'captured'],
    ['VALIDATED', 'captured'],
    ['FAILED', 'failed'],
    ['CANCELLED', 'cancelled'],
    ['UNATTEMPTED', 'expired'],
    ['EXPIRED', 'expired'],
    ['PENDING', 'pending'],
    ['INVALID_TRANSACTION', null],
    ['valid', null],
  ])('%s', (status, kind) => {
    const event = eventOf(formOf({ ...valid, status }))
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, kind === null ? 'status_unknown' : null])
  })

  it('VALID and then VALIDATED is one event', () => {
    const again = eventOf(formOf({ ...valid, status: 'VALIDATED' }))
    expect(again.eventId).toBe('2601011000000abcdef')
    expect([again.eventId, again.fact]).toEqual([eventOf(formOf(valid)).eventId, eventOf(formOf(valid)).fact])
  })

  it('what was cancelled has neither val_id nor bank_tran_id', () => {
    const { val_id: _, ...rest } = valid
    const event = eventOf(formOf({ ...rest, status: 'CANCELLED', bank_tran_id: '' }))
    expect(event.eventId).toBe('trip-1:CANCELLED:')
    expect(event.fact).toMatchObject({ kind: 'cancelled', merchantRef: 'trip-1', operationRef: 'trip-1' })
  })

  it('knows that the time is that of Dhaka', () => {
    expect(eventOf(formOf(valid)).occurredAt?.toISOString()).toBe('2026-01-01T04:00:00.000Z')
  })
})

describe('amounts', () => {
  it('are what the session was opened with, where it was no taka', () => {
    const foreign = { ...valid, amount: '12000.00', currency_type: 'USD', currency_amount: '100.00' }
    expect(eventOf(formOf(foreign)).fact).toMatchObject({ amountMinor: 10_000n, currency: 'USD' })
    expect(eventOf(formOf(valid)).fact).toMatchObject({ amountMinor: 10_000n, currency: 'BDT' })
  })

  it.each<[object, string]>([
    [{ amount: '100.001' }, 'amount_unreadable'],
    [{ amount: '1e2' }, 'amount_unreadable'],
    [{ amount: '-1.00' }, 'amount_unreadable'],
    [{ currency: 'bdt' }, 'currency_unknown'],
    [{ val_id: '' }, 'operation_unreadable'],
    [{ tran_id: '' }, 'reference_unreadable'],
  ])('%j is held', (change, hold) => {
    expect(eventOf(formOf({ ...valid, ...change }))).toMatchObject({ fact: null, hold })
  })
})
