import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { eventOf, paid, receive, SECRET, v1, v2, v2Refund } from '../../../test/support/myfatoorah-bodies.ts'
import { maySettle } from '../event.ts'
import type { JsonObject } from './kit/body.ts'
import { myfatoorah } from './myfatoorah.ts'
import { signedPart, signMyfatoorah } from './myfatoorah-text.ts'

const textOf = (body: JsonObject) => signedPart(body)?.text

describe('the signed text', () => {
  it('of V1 is all of Data, sorted without regard to case, null as nothing', () => {
    expect(textOf(v1({ b: null, A: 1, aB: '', a0: 2.5 }))).toBe('A=1,a0=2.5,aB=,b=')
    expect(textOf(v1({ PaymentId: 'p', PayCurrency: 'c' }))).toBe('PayCurrency=c,PaymentId=p')
  })

  it('leaves the object GatewayReference of a refund out, and takes no other object', () => {
    expect(textOf(v1({ RefundId: 1, GatewayReference: { Currency: 'KWD' } }, 2))).toBe('RefundId=1')
    expect(textOf(v1({ RefundId: 1, GatewayReference: 'x' }, 2))).toBe('GatewayReference=x,RefundId=1')
    for (const value of [{}, [], true, '\ud800'])
      expect(textOf(v1({ RefundId: 1, Other: value }))).toBeUndefined()
  })

  it('of V2 is a few fields in their order, and nothing of another kind', () => {
    expect(textOf(v2)).toBe(
      'Invoice.Id=1001,Invoice.Status=PAID,Transaction.Status=SUCCESS,Transaction.PaymentId=100202600000000001,' +
        'Invoice.ExternalIdentifier=trip-1',
    )
    expect(textOf(v2Refund)).toBe(
      'Refund.Id=R1,Refund.Status=REFUNDED,Amount.ValueInBaseCurrency=40.000,ReferencedInvoice.Id=1001',
    )
    for (const Code of [0, 8, '1', null]) expect(textOf({ ...v2, Event: { Code } })).toBeUndefined()
  })

  it('is signed with the secret’s text, not with what its base64 holds', () => {
    const text = textOf(v1(paid)) ?? ''
    expect(signMyfatoorah(v1(paid), SECRET)).toBe(createHmac('sha256', SECRET).update(text).digest('base64'))
    const decoded = createHmac('sha256', Buffer.from(SECRET, 'base64')).update(text).digest('base64')
    expect(receive(v1(paid), decoded)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each<[string, string]>([
    ['44 characters of 33 bytes', Buffer.alloc(33).toString('base64')],
    ['31 bytes', Buffer.alloc(31).toString('base64')],
    ['hex', '0'.repeat(64)],
    ['another alphabet', `${'_'.repeat(43)}=`],
    ['another signature', Buffer.alloc(32).toString('base64')],
  ])('refuses %s', (_, signature) => {
    expect(receive(v1(paid), signature)).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it.each(Object.keys(paid))('covers %s of V1', (name) => {
    const body = v1({ ...paid, [name]: 'other' })
    expect(receive(body, signMyfatoorah(v1(paid), SECRET))).toMatchObject({ code: 'signature_invalid' })
  })

  it('is no event’s number, name, date or country in V1: none of them is read', () => {
    const signature = signMyfatoorah(v1(paid), SECRET)
    const other = { ...v1(paid, 2), Event: 'RefundStatusChanged', DateTime: 'x', CountryIsoCode: 'EGY' }
    expect(eventOf(other, {}, signature)).toEqual(eventOf(v1(paid)))
  })
})

describe('separators that stand in a value', () => {
  const swallowed =
    'x,CustomerReference=trip-2,DisplayCurrency=KWD,InvoiceId=7,InvoiceValueInDisplayCurreny=99.000,' +
    'PaymentId=p2,TransactionStatus=SUCCESS,UserDefinedField='

  it.each<[string, JsonObject]>([
    ['a customer’s name', { CustomerName: 'x,InvoiceId=1' }],
    ['a field of our own', { UserDefinedField: 'y,TransactionStatus=FAILED' }],
    ['a name of V2', { CustomerName: 'x,Invoice.Id=1' }],
  ])('%s: the event is kept and settles nothing', (_, change) => {
    const event = eventOf(v1({ ...paid, ...change }))
    expect([event.signed, maySettle(myfatoorah, event)]).toEqual([[], false])
  })

  it('the fields that a name pretends to be settle nothing under the genuine signature', () => {
    const genuine = v1({ ...paid, CustomerName: swallowed })
    const { text = '' } = signedPart(genuine) ?? {}
    const rest = text.slice(text.indexOf(swallowed) + swallowed.length)
    const forged: JsonObject = {
      AuthorizationId: 'A1',
      BaseCurrency: 'KWD',
      CreatedDate: '01012026101010',
      CustomerEmail: null,
      CustomerMobile: '+96500000000',
      CustomerName: 'x',
      CustomerReference: 'trip-2',
      DisplayCurrency: 'KWD',
      InvoiceId: 7,
      InvoiceValueInDisplayCurreny: '99.000',
      PaymentId: 'p2',
      TransactionStatus: 'SUCCESS',
      UserDefinedField: rest,
    }
    expect(textOf(v1(forged))).toBe(text)
    const event = eventOf(v1(forged), {}, signMyfatoorah(genuine, SECRET))
    expect(event.fact).toMatchObject({ merchantRef: 'trip-2', amountMinor: 99_000n })
    expect(maySettle(myfatoorah, event)).toBe(false)
  })

  it('a comma or an equals sign alone is harmless', () => {
    for (const CustomerName of ['Last, First', 'a=b', ', =', 'x,=1'])
      expect(maySettle(myfatoorah, eventOf(v1({ ...paid, CustomerName })))).toBe(true)
  })

  it('an unknown field settles nothing', () => {
    const event = eventOf(v1({ ...paid, Discount: '1' }))
    expect([event.fact?.kind, event.signed]).toEqual(['captured', []])
  })

  it('the same in V2', () => {
    const Data = { ...v2Refund.Data, Refund: { Id: 'R1,Refund.Status=REFUNDED', Status: 'REFUNDED' } }
    const event = eventOf({ ...v2Refund, Data }, { BASE_CURRENCY: 'KWD' })
    expect(event.signed).toEqual([])
  })
})

describe('a key that comes twice', () => {
  const bytes = JSON.stringify(v1(paid))

  it.each<[string, string]>([
    ['the same', bytes.replace('"InvoiceId"', '"InvoiceId":7,"InvoiceId"')],
    ['with blanks', bytes.replace('"InvoiceId"', '"InvoiceId" \n:7,"InvoiceId"')],
    ['escaped', bytes.replace('"InvoiceId"', '"\\u0049nvoiceId":7,"InvoiceId"')],
    ['outside of Data', bytes.replace('"Event"', '"Event":{"Code":1},"Event"')],
  ])('%s: the last counts, which is what was verified', (_, body) => {
    const signature = signMyfatoorah(v1(paid), SECRET)
    expect(receive(body, signature)).toEqual(receive(bytes, signature))
  })

  it('the same, and the first was signed: refused', () => {
    const doubled = bytes.replace('"InvoiceId"', '"InvoiceId":7,"InvoiceId"')
    const first = JSON.parse(bytes.replace(/"InvoiceId":[^,]+/, '"InvoiceId":7'))
    expect(receive(doubled, signMyfatoorah(first, SECRET))).toMatchObject({ code: 'signature_invalid' })
  })

  it('in another case is refused', () => {
    const doubled = bytes.replace('"InvoiceId"', '"invoiceid":7,"InvoiceId"')
    expect(receive(doubled, signMyfatoorah(v1(paid), SECRET))).toMatchObject({ code: 'signature_invalid' })
  })
})
