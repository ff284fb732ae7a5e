import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { weaknessOf } from './secret-strength.ts'

describe('weaknessOf', () => {
  it.each([
    'REPLACE_ME',
    'replace-me-with-something-long-1234',
    'whsec_REPLACE_ME_abcdefghijklmnop',
    'changeme',
    'Change-Me-0123456789abcdefghij',
    'change_this_to_something_long_42',
    'your-secret-key-goes-here-1234567',
    'YOUR_JWT_SECRET_0123456789abcdefg',
    'this-is-an-example-value-98765432',
    'secret',
    'my-super-secret-key-1234567890123',
    'supersecretjwtkey1234567890123456',
    'Password123!',
    'passwordpasswordpasswordpassword1',
    '<a long random string of your own>',
    'whsec_<from the Stripe dashboard>',
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1',
    'xxx-abcdefgh-12345678-qrstuvwx-99',
    'TODO: ask the operators for this 1',
    `\${JWT_SECRET_FROM_THE_VAULT_12345}`,
  ])('knows %j as a placeholder', (value) => {
    expect(weaknessOf(value, 8)).toContain('placeholder')
  })

  it('answers at once on a long value made to be slow', () => {
    const startedAt = performance.now()
    weaknessOf(`${'my-secret--key__'.repeat(2_000)}é`, 8)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  it('counts neither a known prefix nor repeats', () => {
    expect(weaknessOf('whsec_0123456789', 16)).toContain('too short')
    expect(weaknessOf('whsec_0123456789abcdef', 16)).toBeNull()
    expect(weaknessOf('01234560123456012345601234560123456', 32)).toContain('too simple')
    expect(weaknessOf('01234567012345670123456701234567', 32)).toBeNull()
  })

  it('takes random values in every usual form', () => {
    for (let index = 0; index < 300; index += 1) {
      for (const form of ['base64', 'base64url', 'hex'] as const) {
        const value = randomBytes(24).toString(form)
        expect(weaknessOf(value, 32), value).toBeNull()
      }
    }
  })
})
