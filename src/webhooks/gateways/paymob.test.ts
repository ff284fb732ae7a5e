import { describe, expect, it } from 'vitest'
import type { GatewayAccount } from './adapter.ts'
import type { JsonObject } from './kit/body.ts'
import { paymob } from './paymob.ts'
import { signPaymob } from './paymob-hmac.ts'
import { accountProblems } from './settings.ts'

const SECRET = 'hmac-secret'
const CONFIGURED = { OWNER: '12', INTEGRATION_IDS: '99, 1234' }

const paid = {
  id: 973572,
  amount_cents: 111111,
  created_at: '2025-04-01T17:29:16.967925',
  currency: 'EGP',
  error_occured: false,
  has_parent_transaction: false,
  integration_id: 1234,
  is_3d_secure: true,
  is_auth: false,
  is_capture: false,
  is_refunded: false,
  is_standalone_payment: true,
  is_voided: false,
  order: { id: 123, merchant_order_id: 'trip-1' },
  owner: 12,
  pending: false,
  source_data: { pan: '1111', sub_type: 'Visa', type: 'card' },
  success: true,
}

function receive(
  obj: unknown,
  hmac: string | null,
  settings: GatewayAccount['settings'] = CONFIGURED,
  type = 'TRANSACTION',
) {
  const account = { gateway: 'paymob', account: 'default', secrets: [SECRET], settings }
  const query = new URLSearchParams(hmac === null ? {} : { hmac })
  return paymob.receive({ body: Buffer.from(JSON.stringify({ type, obj })), headers: {}, query }, account, 0)
}

function eventOf(obj: JsonObject, hmac = signPaymob(obj, SECRET), settings?: GatewayAccount['settings']) {
  const received = receive(obj, hmac, settings)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('digits that move between neighbours', () => {
  const genuine = signPaymob(paid, SECRET)

  it.each<[string, object, string]>([
    ['from the order to the owner', { order: { id: 12 }, owner: 312 }, 'owner_mismatch'],
    ['from the owner to the order', { order: { id: 1231 }, owner: 2 }, 'owner_mismatch'],
    ['from the id to the integration', { id: 97357, integration_id: 21234 }, 'integration_mismatch'],
    ['from the integration to the id', { id: 9735721, integration_id: 234 }, 'integration_mismatch'],
    [
      'from the date to the amount',
      { amount_cents: 1111112, created_at: '025-04-01T17:29:16.967925' },
      'created_at_malformed',
    ],
    [
      'from the amount to the date',
      { amount_cents: 11111, created_at: '12025-04-01T17:29:16.967925' },
      'created_at_malformed',
    ],
    [
      'from the currency to the date',
      { created_at: '2025-04-01T17:29:16.967925E', currency: 'GP' },
      'created_at_malformed',
    ],
  ])('%s: the HMAC matches and the event is held', (_, change, hold) => {
    expect(eventOf({ ...paid, ...change }, genuine).hold).toBe(hold)
  })

  it('counts as signed only what a setting or its own form pins down', () => {
    expect(eventOf(paid).signed).toEqual(['reference', 'amount', 'currency', 'status', 'transaction'])
    expect(eventOf(paid, genuine, {}).signed).toEqual(['amount', 'currency', 'status'])
    expect(eventOf(paid, genuine, { OWNER: '12' }).signed).not.toContain('transaction')
  })

  it.each<[string, object]>([
    ['a success that is a text', { success: 'true' }],
    [
      '3-D Secure that became a reservation',
      { is_3d_secure: null, is_auth: true, is_capture: 'falsefalsefalse', is_refunded: '' },
    ],
    [
      'a payment by itself that became a void',
      { is_standalone_payment: '', is_voided: true, order: { id: 'false123' } },
    ],
    ['a wait that was swallowed', { pending: '', source_data: { ...paid.source_data, pan: 'false1111' } }],
  ])('%s: refused, though the twenty values make the same text', (_, change) => {
    expect(receive({ ...paid, ...change }, genuine)).toMatchObject({ code: 'signature_invalid' })
  })

  it('a flag may be the text false, as in Paymob’s older samples', () => {
    expect(eventOf({ ...paid, error_occured: 'false' }, genuine).fact?.kind).toBe('captured')
  })

  it('never moves money on its own word', () => {
    expect(paymob.confirmFirst).toBe(true)
  })
})

describe('the signature', () => {
  it.each<[string, string | null, string]>([
    ['no hmac', null, 'signature_missing'],
    ['an empty hmac', '', 'signature_missing'],
    ['a short hmac', 'ab', 'signature_invalid'],
    ['128 characters that are no hex', 'g'.repeat(128), 'signature_invalid'],
    ['another hmac', '0'.repeat(128), 'signature_invalid'],
  ])('%s', (_, hmac, code) => {
    expect(receive(paid, hmac)).toMatchObject({ kind: 'refused', code })
  })

  it('takes either case, and the hmac once', () => {
    const hmac = signPaymob(paid, SECRET)
    expect(receive(paid, hmac.toUpperCase())).toMatchObject({ kind: 'accepted', signature: hmac })
    const body = Buffer.from(JSON.stringify({ type: 'TRANSACTION', obj: paid }))
    const query = new URLSearchParams([
      ['hmac', hmac],
      ['hmac', hmac],
    ])
    const account = { gateway: 'paymob', account: 'default', secrets: [SECRET], settings: {} }
    expect(paymob.receive({ body, headers: {}, query }, account, 0)).toMatchObject({
      code: 'signature_invalid',
    })
  })

  it.each(['TOKEN', 'transaction', 'ORDER'])('the type %s cannot be verified', (type) => {
    expect(receive(paid, signPaymob(paid, SECRET), {}, type)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each<[string, unknown]>([
    ['a list', ['EGP']],
    ['an object', { a: 1 }],
    ['a lone surrogate', '\ud800'],
  ])('%s is no plain value', (_, currency) => {
    expect(receive({ ...paid, currency }, '0'.repeat(128))).toMatchObject({ code: 'signature_invalid' })
  })

  it('reads null as nothing and a missing flag as false', () => {
    const { is_auth: _, ...withoutFlag } = paid
    expect(eventOf(withoutFlag, signPaymob(paid, SECRET)).fact?.kind).toBe('captured')
    const noPan = { ...paid, source_data: { ...paid.source_data, pan: null } }
    const emptyPan = { ...paid, source_data: { ...paid.source_data, pan: '' } }
    expect(signPaymob(noPan, SECRET)).toBe(signPaymob(emptyPan, SECRET))
  })
})

describe('the facts', () => {
  it('finds the payment by the signed order, never by the unsigned merchant_order_id', () => {
    expect(eventOf(paid).fact).toEqual({
      kind: 'captured',
      merchantRef: null,
      gatewayRef: '123',
      operationRef: '973572',
      amountMinor: 111111n,
      currency: 'EGP',
    })
  })

  const followUp = { has_parent_transaction: true, is_standalone_payment: false }
  it.each<[string, object, string | null, string | null]>([
    ['waiting', { pending: true, success: false }, 'pending', null],
    ['declined', { success: false, error_occured: true }, 'failed', null],
    ['held on the card', { is_auth: true, is_standalone_payment: false }, 'authorized', null],
    ['captured later', { ...followUp, is_capture: true }, 'captured', null],
    ['refunded, a part', { ...followUp, is_refund: true, amount_cents: 5 }, 'refunded', null],
    ['voided by a follow-up', { ...followUp, is_void: true, parent_transaction: 1 }, 'cancelled', null],
    ['voided, sent again', { is_voided: true }, 'cancelled', null],
    ['refunded, sent again', { is_refunded: true }, null, 'refund_amount_unsigned'],
    ['a follow-up that failed', { ...followUp, success: false }, null, null],
    ['a follow-up of no kind', followUp, null, 'event_unknown'],
    ['a success that waits', { pending: true }, null, 'status_contradictory'],
    ['a success with an error', { error_occured: true }, null, 'status_contradictory'],
  ])('%s', (_, change, kind, hold) => {
    const event = eventOf({ ...paid, ...change })
    expect(event.fact?.kind ?? null).toBe(kind)
    expect(event.hold).toBe(hold)
  })

  it('takes a void for one of the transaction that it undoes, a refund for one of its own', () => {
    const undone = { ...paid, ...followUp, parent_transaction: 973000 }
    expect(eventOf({ ...undone, is_void: true })).toMatchObject({
      eventId: '973572:success',
      fact: { kind: 'cancelled', operationRef: '973000' },
    })
    expect(eventOf({ ...undone, is_refund: true }).fact?.operationRef).toBe('973572')
    expect(eventOf({ ...undone, is_capture: true }).fact?.operationRef).toBe('973572')
    for (const parent_transaction of [null, undefined, false])
      expect(eventOf({ ...undone, is_void: true, parent_transaction }).hold).toBe('operation_unreadable')
  })

  it('does not count the status of a refund as signed: is_refund is not', () => {
    expect(eventOf({ ...paid, ...followUp, is_refund: true }).signed).not.toContain('status')
    expect(eventOf({ ...paid, ...followUp, is_capture: true }).signed).toContain('status')
  })

  it('gives every state of a transaction its own id', () => {
    const ids = [{}, { is_voided: true }, { is_refunded: true }, { pending: true }, { success: false }].map(
      (change) => eventOf({ ...paid, ...change }).eventId,
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids[0]).toBe('973572:success+is_standalone_payment')
  })

  it.each<[object, string]>([
    [{ amount_cents: '111111' }, 'amount_unreadable'],
    [{ amount_cents: 1.5 }, 'amount_unreadable'],
    [{ currency: 'egp' }, 'currency_unknown'],
    [{ order: { id: null } }, 'reference_missing'],
  ])('holds %j', (change, hold) => {
    expect(eventOf({ ...paid, ...change })).toMatchObject({ fact: null, hold })
  })

  it.each<[unknown, string]>([
    [null, 'event_id_missing'],
    ['', 'event_id_missing'],
    [2 ** 60, 'event_id_missing'],
    ['9'.repeat(250), 'malformed_body'],
  ])('refuses the id %j', (id, code) => {
    const obj = { ...paid, id }
    expect(receive(obj, signPaymob(obj, SECRET))).toMatchObject({ kind: 'refused', code })
  })

  it('knows the moment only where the zone is named', () => {
    expect(eventOf(paid).occurredAt).toBeNull()
    const zoned = eventOf({ ...paid, created_at: '2025-04-01T17:29:16.967+02:00' })
    expect(zoned.occurredAt?.toISOString()).toBe('2025-04-01T15:29:16.967Z')
  })
})

describe('the configuration', () => {
  const problems = (settings: GatewayAccount['settings'], isProduction = true) =>
    accountProblems(paymob, { gateway: 'paymob', account: 'default', secrets: ['s'], settings }, isProduction)

  it('needs what pins the borders, in production only', () => {
    expect(problems({ OWNER: '12', INTEGRATION_IDS: '1,2' })).toEqual([])
    expect(problems({ OWNER: ' ' })).toEqual([
      'OWNER is missing; production needs it',
      'INTEGRATION_IDS is missing; production needs it',
    ])
    expect(problems({}, false)).toEqual([])
  })
})
