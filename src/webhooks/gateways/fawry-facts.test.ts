import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fawry } from './fawry.ts'
import { signedAmount } from './fawry-facts.ts'

const SECRET = 'fawry_secure_key'

describe('an amount as it is signed', () => {
  it.each<[unknown, bigint | null]>([
    [152, 15_200n],
    ['152.0', 15_200n],
    // What sums of fees look like in other people's floating point.
    [152.70000000000002, 15_270n],
    [103.24899999999998, 10_325n],
    ['152.7049', 15_270n],
    ['152.705', 15_271n],
    [0.999, 100n],
    ['99.995', 10_000n],
    [1e21, null],
    ['-1.005', null],
    ['1.', null],
    ['.5', null],
    ['1e2', null],
    ['1'.repeat(40), null],
    [null, null],
    [true, null],
  ])('%j is %s piastres', (value, piastres) => {
    expect(signedAmount(value)).toBe(piastres)
  })

  it('is judged by the signature, and is the money', () => {
    const text = `970177trip-1103.25100.00PAIDCARD${SECRET}`
    const body = {
      fawryRefNumber: '970177',
      merchantRefNumber: 'trip-1',
      paymentAmount: 103.24899999999998,
      orderAmount: 100,
      orderStatus: 'PAID',
      paymentMethod: 'CARD',
      messageSignature: createHash('sha256').update(text).digest('hex'),
    }
    const account = { gateway: 'fawry', account: 'default', secrets: [SECRET], settings: {} }
    const receive = (change: object) =>
      fawry.receive(
        {
          body: Buffer.from(JSON.stringify({ ...body, ...change })),
          headers: {},
          query: new URLSearchParams(),
        },
        account,
        0,
      )
    expect(receive({})).toMatchObject({
      events: [{ eventId: '970177:PAID:103.25', fact: { kind: 'captured', amountMinor: 10_000n } }],
    })
    expect(receive({ paymentAmount: 103.24 })).toMatchObject({ code: 'signature_invalid' })
    expect(receive({ orderAmount: 100.005 })).toMatchObject({ code: 'signature_invalid' })
  })
})
