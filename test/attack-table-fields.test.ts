import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signKashier } from '../src/webhooks/gateways/kashier.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { Target, withHeaders } from './support/attacks.ts'
import { withCrcOf } from './support/crc-forgery.ts'

/** The rows of the attack table about gateways that sign some fields and not the body; attack-table.test.ts has the others. */

const INVALID = { kind: 'refused', code: 'signature_invalid' }
const hmac = (hash: string, key: string | Buffer, text: string) => createHmac(hash, key).update(text)

describe('Kashier', () => {
  const target = new Target('kashier')

  it('the signature of a redirect, made with the same key, passes as no webhook', () => {
    const text =
      'paymentStatus=SUCCESS&cardDataToken=&maskedCard=4111&merchantOrderId=trip-1&orderId=o1&cardBrand=Visa&orderReference=r1&transactionId=t1&amount=99.00&currency=EGP'
    const signature = hmac('sha256', target.secret, text).digest('hex')
    const name = text.slice(0, text.lastIndexOf('='))
    const fields = { merchantOrderId: 'trip-1', amount: '99.00', status: 'SUCCESS', transactionId: 't1' }
    for (const data of [
      { [name]: 'EGP', signatureKeys: [name] },
      { [name]: 'EGP', ...fields, currency: 'EGP', signatureKeys: [name] },
      { ...fields, currency: 'EGP', signatureKeys: Object.keys(fields) },
    ]) {
      const body = Buffer.from(JSON.stringify({ event: 'pay', data }))
      const delivery = withHeaders({ ...target.genuine(), body }, { 'x-kashier-signature': signature })
      expect(target.receive(delivery)).toMatchObject(INVALID)
    }
  })

  it.each(['pay', 'capture', 'refund', 'authorize', 'void', 'nonsense'])(
    'a signed failure moves no money as %s: `event` is unsigned, and pay comes for failures too',
    (event) => {
      const failed = target.genuine({ kind: 'failed' })
      const body = Buffer.from(JSON.stringify({ ...JSON.parse(failed.body.toString()), event }))
      const settled = target.settles({ ...failed, body })
      expect(settled.filter(({ fact }) => fact?.kind !== 'failed')).toEqual([])
    },
  )

  it.each(['merchantOrderId', 'amount', 'currency', 'status', 'transactionId'])(
    'nothing settles where %s is not among `signatureKeys`, which the sender chooses',
    (field) => {
      const delivery = target.signedAnew(({ data }) => {
        data.signatureKeys = data.signatureKeys.filter((name: string) => name !== field)
      })
      expect(target.receive(delivery).kind).toBe('accepted')
      expect(target.settles(delivery)).toEqual([])
    },
  )

  it('null is a bare name, booleans are words, blanks are %20', () => {
    const data = { c: null, b: true, a: 'x y', signatureKeys: ['c', 'b', 'a'] }
    const right = hmac('sha256', target.secret, 'a=x%20y&b=true&c').digest('hex')
    expect(signKashier(data, target.secret)).toBe(right)
  })
})

describe('Paymob', () => {
  const target = new Target('paymob', {}, { OWNER: '12', INTEGRATION_IDS: '1234' })

  it.each<[string, (obj: Record<string, unknown>) => void]>([
    [
      'from the date to the amount (eleven times as much)',
      (obj) => Object.assign(obj, { amount_cents: 123_452, created_at: String(obj.created_at).slice(1) }),
    ],
    [
      'from the amount to the date',
      (obj) => Object.assign(obj, { amount_cents: 1_234, created_at: `5${obj.created_at}` }),
    ],
    [
      'from the transaction to the integration',
      (obj) => Object.assign(obj, { id: '100000', integration_id: '11234' }),
    ],
    ['from the owner to the order', (obj) => Object.assign(obj, { order: { id: 'trip-11' }, owner: '2' })],
  ])('digits that shift %s: the HMAC matches, and the event is held', (_, shift) => {
    const forged = target.forged(({ obj }) => shift(obj))
    const [event] = target.events(forged)
    expect(event?.hold).toMatch(/^(?:created_at_malformed|integration_mismatch|owner_mismatch)$/)
    expect(target.settles(forged)).toEqual([])
  })

  it('an unsigned merchant_order_id or is_captured moves nothing', () => {
    const forged = target.forged(({ obj }) => {
      obj.order.merchant_order_id = 'trip-2'
      obj.is_captured = true
    })
    const [event] = target.events(forged)
    expect(event?.fact?.merchantRef).toBeNull()
    expect(target.settles(forged)).toEqual([])
  })

  it('the redirect by GET, which has the same HMAC, is no delivery', () => {
    expect(adapters.get('paymob')?.challenge).toBeUndefined()
    const redirect = { ...target.genuine(), body: Buffer.alloc(0) }
    expect(target.receive(redirect)).toMatchObject({ kind: 'refused', code: 'malformed_body' })
  })
})

describe('Adyen', () => {
  const target = new Target('adyen')
  type Item = Record<string, unknown>
  const item = (body: { notificationItems: { NotificationRequestItem: Item }[] }): Item =>
    body.notificationItems[0]?.NotificationRequestItem ?? expect.fail('no item')

  it('a signature of 44 characters that holds 33 bytes is refused, and nothing throws', () => {
    const hmacSignature = Buffer.alloc(33, 1).toString('base64')
    const forged = target.forged((body) => Object.assign(item(body), { additionalData: { hmacSignature } }))
    expect(hmacSignature).toHaveLength(44)
    expect(target.receive(forged)).toMatchObject(INVALID)
  })

  it('an amount of 0 is signed as 0, a missing originalReference as nothing', () => {
    const key = Buffer.from(target.secret, 'hex')
    const text = '1000001::OncelineSample:trip-1:0:EUR:AUTHORISATION:true'
    const hmacSignature = hmac('sha256', key, text).digest('base64')
    const delivery = target.forged((body) => {
      const { originalReference: _, ...rest } = item(body)
      const zero = { amount: { value: 0, currency: 'EUR' }, eventCode: 'AUTHORISATION' }
      body.notificationItems[0].NotificationRequestItem = {
        ...rest,
        ...zero,
        additionalData: { hmacSignature },
      }
    })
    expect(target.receive(delivery).kind).toBe('accepted')
  })

  it('of several items each counts, and one bad one refuses all', () => {
    const two = target.signedAnew((body) => {
      const [first] = body.notificationItems
      const second = { NotificationRequestItem: { ...first.NotificationRequestItem, pspReference: '2' } }
      body.notificationItems.push(second)
    })
    expect(new Set(target.events(two).map(({ eventId }) => eventId)).size).toBe(2)
    const body = JSON.parse(two.body.toString())
    body.notificationItems[1].NotificationRequestItem.success = 'false'
    expect(target.receive({ ...two, body: Buffer.from(JSON.stringify(body)) })).toMatchObject(INVALID)
  })
})

describe('PayPal', () => {
  it('a body padded to the same CRC-32 verifies, and moves no money', () => {
    const target = new Target('paypal')
    const genuine = target.genuine()
    const other = JSON.parse(genuine.body.toString())
    other.resource.amount.value = '9999.00'
    const forged = { ...genuine, body: withCrcOf(genuine.body, JSON.stringify(other)) }
    expect(target.events(forged)[0]?.fact?.amountMinor).toBe(999_900n)
    expect(target.settles(forged)).toEqual([])
  })
})

describe('Tap', () => {
  it('1.5 KWD is signed as 1.500, and is 1,500 fils', () => {
    const target = new Target('tap', { amountMinor: 1_500n, currency: 'KWD' })
    const genuine = target.genuine()
    const body = JSON.parse(genuine.body.toString())
    expect(body.amount).toBe(1.5)
    const { reference } = body
    const text = `x_id${body.id}x_amount1.500x_currencyKWDx_gateway_reference${reference.gateway}x_payment_reference${reference.payment}x_status${body.status}x_created${body.transaction.created}`
    expect(genuine.headers.hashstring).toBe(hmac('sha256', target.secret, text).digest('hex'))
    expect(target.events(genuine)[0]?.fact).toMatchObject({ amountMinor: 1_500n, currency: 'KWD' })
  })
})
