import { expect, it } from 'vitest'
import { signatureOf, signingKeyOf } from './callback-signature.ts'

const API_KEY = 'laravel-api-key-0123456789abcdef'
const BODY = '{"id":"1","data":{"city":"القاهرة"}}'

// Computed with Python's hmac module, from the words of docs/callbacks.md.
it('is what another implementation makes of the same words', () => {
  const key = signingKeyOf(API_KEY)
  expect(key.export().toString('hex')).toBe(
    'e184e89b68e6daa3ded736b08424db87a668398a02c3e6faeb3d996cf336fc44',
  )
  expect(signatureOf(key, BODY, 1_795_000_000_999)).toBe(
    't=1795000000,v1=fe1f1e211bb6f7b0af67302192b3412060778fb7e7cfaea56f9330daabbcb669',
  )
})
