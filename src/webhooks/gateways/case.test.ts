import { describe, expect, it } from 'vitest'
import { certificateOf } from '../../../test/support/certificates.ts'
import { certpay, plainpay, signedBy, tokenpay } from '../../../test/support/made-up-gateways.ts'
import type { GatewayAdapter } from './adapter.ts'
import { CASE, judgeCase } from './case.ts'

function judge(adapter: GatewayAdapter, one: Record<string, unknown>) {
  const { valid, reason, type, dedupeKey } = judgeCase(CASE.parse({ gateway: adapter.name, ...one }), adapter)
  return { valid, reason, type, dedupeKey }
}

const refusal = (reason: string) => ({ valid: false, reason, type: null, dedupeKey: null })
const good = { body: '{"ids":["evt_1"]}', secrets: ['token-1'], headers: { 'X-Token': 'token-1' } }

describe('a saved delivery', () => {
  it('is judged whatever the case of its headers, and against every secret', () => {
    const taken = { valid: true, reason: null, type: 'nothing.much', dedupeKey: 'evt_1' }
    expect(judge(plainpay, good)).toEqual(taken)
    expect(judge(plainpay, { ...good, secrets: ['another', 'token-1'] })).toEqual(taken)
    expect(judge(plainpay, { ...good, secrets: [] })).toEqual(refusal('signature_invalid: x-token is wrong'))
  })

  it('has a header that came twice as the server would have it', () => {
    const headers = { 'X-Token': 'token-1', 'x-token': 'token-1' }
    expect(judge(plainpay, { ...good, headers })).toEqual(refusal('signature_invalid: x-token is wrong'))
  })

  it('lists the events where there are several', () => {
    const several = judge(plainpay, { ...good, body: '{"ids":["evt_1","evt_2"]}' })
    expect(several).toMatchObject({ valid: true, dedupeKey: ['evt_1', 'evt_2'] })
  })

  it('that needs a certificate says so: nothing is fetched', () => {
    const { body, headers } = signedBy(certificateOf(0, 1_000), { id: 'evt_1' })
    expect(judge(certpay, { body, headers })).toEqual(
      refusal('certificate_needed: name its key as certPem or publicKeyPem'),
    )
  })
})

describe('a saved challenge', () => {
  const asked = { method: 'GET', secrets: ['key-1'], query: { key: 'key-1', challenge: 'c-1' } }

  it('is answered as the gateway wants to read it, or not', () => {
    const answered = { valid: true, reason: null, type: 'challenge', dedupeKey: null }
    expect(judge(tokenpay, { ...asked, expectedResponse: 'here|c-1' })).toEqual(answered)
    expect(judge(tokenpay, { ...asked, expectedResponse: 'here|c-2' })).toEqual({
      ...answered,
      valid: false,
      reason: 'answer_differs: the answer is not expectedResponse',
    })
    expect(judge(tokenpay, { ...asked, secrets: ['key-2'] })).toEqual(
      refusal('signature_invalid: key is wrong'),
    )
    expect(judge(plainpay, asked)).toEqual(refusal('method_not_allowed: Made up only posts'))
  })
})
