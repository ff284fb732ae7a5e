import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signingKeyOf, signatureOf as signWith } from '../src/laravel/callback-signature.ts'
import { type Call, callsInPhp, phpOrNotice } from './support/php-calls.ts'
import { propertyRuns } from './support/property-runs.ts'

const php = phpOrNotice('what OncelineSignature.php verifies')
const inPhp = (calls: readonly Call[]) => callsInPhp(php, calls)

/** As the sender signs it; `t` in seconds. */
function signatureOf(apiKey: string, body: string, t: number): string {
  return signWith(signingKeyOf(apiKey), body, t * 1_000)
}

describe.skipIf(php === undefined)('OncelineSignature.php', () => {
  const KEY = 'laravel-key-7d1e4c559f012f6a'
  const BODY = '{"event":"payment.completed","data":{"amountMinor":15000,"note":"أجرة"}}'
  const T = 1_796_000_000
  const SIGNED = `t=${T},v1=f78d4175b562843a47fbf53f49bd97520e638923a82baf99bd42051f74dfb5aa`

  /** Body, header, secrets, now; each row with what it is and whether it is believed. */
  const CASES: readonly (readonly [what: string, verdict: boolean, ...args: unknown[]])[] = [
    ['as it was sent', true, BODY, SIGNED, [KEY], T],
    ['an older key beside the new one', true, BODY, SIGNED, ['another-key', KEY], T],
    ['a newer key beside the old one', true, BODY, SIGNED, [KEY, 'another-key'], T],
    ['as old as it may be', true, BODY, SIGNED, [KEY], T + 300],
    ['too old', false, BODY, SIGNED, [KEY], T + 301],
    ['too far ahead', false, BODY, SIGNED, [KEY], T - 301],
    ['older than a tolerance of its own', false, BODY, SIGNED, [KEY], T + 11, 10],
    ['a wrong key', false, BODY, SIGNED, ['another-key'], T],
    ['no key', false, BODY, SIGNED, [], T],
    ['an empty key', false, BODY, signatureOf('', BODY, T), [''], T],
    ['a changed body', false, BODY.replace('15000', '15001'), SIGNED, [KEY], T],
    ['a body encoded again', false, JSON.stringify(JSON.parse(BODY), null, 1), SIGNED, [KEY], T],
    ['a time that was not signed', false, BODY, SIGNED.replace(`${T}`, `${T + 1}`), [KEY], T],
    ['signed without deriving a key', false, BODY, underived(BODY), [KEY], T],
    ['no header', false, BODY, '', [KEY], T],
    ['a signature cut short', false, BODY, SIGNED.slice(0, -1), [KEY], T],
    ['upper case', false, BODY, SIGNED.toUpperCase(), [KEY], T],
    ['names in upper case', false, BODY, SIGNED.replace('v1', 'V1'), [KEY], T],
    ['a line break behind', false, BODY, `${SIGNED}\n`, [KEY], T],
    ['something before', false, BODY, `x${SIGNED}`, [KEY], T],
  ]

  function underived(body: string): string {
    return `t=${T},v1=${createHmac('sha256', KEY).update(`${T}.${body}`).digest('hex')}`
  }

  it('believes what was signed, by this formula, and nothing else', async () => {
    expect(signatureOf(KEY, BODY, T)).toBe(SIGNED)
    const outcomes = await inPhp(CASES.map(([, , ...args]) => ['verify', ...args]))
    const verdicts = CASES.map(([what], index) => [what, outcomes[index]?.returned])
    expect(verdicts).toEqual(CASES.map(([what, verdict]) => [what, verdict]))
  })

  it('believes any body under any key, and no body of which one byte differs', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    const deliveries = fc.array(
      fc.record({ body: text, secret: text.filter((secret) => secret !== ''), t: fc.nat(4_000_000_000) }),
      { minLength: 1, maxLength: 30 },
    )
    const property = fc.asyncProperty(deliveries, async (all) => {
      const outcomes = await inPhp(
        all.flatMap(({ body, secret, t }): Call[] => {
          const header = signatureOf(secret, body, t)
          return [
            ['verify', body, header, [secret], t],
            ['verify', `${body} `, header, [secret], t],
          ]
        }),
      )
      expect(outcomes.map(({ returned }) => returned)).toEqual(all.flatMap(() => [true, false]))
    })
    await fc.assert(property, propertyRuns(10))
  })
})
