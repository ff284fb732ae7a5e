import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { runPhp } from './support/php.ts'
import { type Call, callsInPhp, phpOrNotice } from './support/php-calls.ts'
import { askForTicket } from './support/tokens.ts'

const CURRENT = 'c0ffee-jwt-5ecret-of-32-characters-or-more'
const PREVIOUS = 'an-0lder-jwt-5ecret-of-32-characters-or-more'
/** As `openssl rand -base64 32` writes one: its characters are the key, and not what they stand for. */
const BASE64 = 'pZQYz0nV7c2e6hJq1uUjmW3k8s5oT4xA9bCdEfGhIjM='
const NOW = 1_796_000_000
const DOCS = join(import.meta.dirname, '../docs/laravel')
const php = phpOrNotice('OncelineToken.php against a real service')

async function minted(...calls: readonly (readonly unknown[])[]) {
  const outcomes = await callsInPhp(
    php,
    calls.map((args): Call => ['mint', ...args]),
  )
  return outcomes.map(({ returned, thrown }) => (returned as string | undefined) ?? String(thrown?.message))
}

describe.skipIf(php === undefined)('OncelineToken.php', () => {
  let database: TestDatabase
  let app: TestApp

  beforeAll(async () => {
    database = await testDatabase('php-token')
    const realtime = { jwtSecrets: [CURRENT, PREVIOUS], allowedOrigins: [] }
    app = await openApp(database, { working: false, realtime })
  })

  afterAll(async () => {
    await app?.stop()
    await database?.drop()
  })

  /** The status, and the reason where there is one. */
  async function fate(token: string, at = app): Promise<string> {
    const answer = await askForTicket(at.url, { authorization: `Bearer ${token}` })
    const { reason } = (await answer.json()) as { reason?: string }
    return reason === undefined ? String(answer.status) : `${answer.status} ${reason}`
  }

  it('mints what gets a ticket, for each kind of user', async () => {
    const tokens = await minted(
      [CURRENT, '42', 'customer'],
      [CURRENT, '7f0c2a4e-55aa-4b1f-9d3f-0a1b2c3d4e5f', 'driver', 60],
      [CURRENT, '1', 'admin'],
    )
    expect(await Promise.all(tokens.map((token) => fate(token)))).toEqual(['201', '201', '201'])
  })

  it('mints with the secret of yesterday during a rotation, and with a wrong one for nothing', async () => {
    const [old = '', wrong = ''] = await minted(
      [PREVIOUS, '42', 'driver'],
      [CURRENT.toUpperCase(), '42', 'driver'],
    )
    expect([await fate(old), await fate(wrong)]).toEqual(['201', '401 bad_signature'])
    expect(await app.metrics('onceline_token_secret_matched_total{secret="2"}')).toHaveLength(1)
    const rotated = await openApp(database, {
      working: false,
      realtime: { jwtSecrets: [CURRENT], allowedOrigins: [] },
    })
    expect(await fate(old, rotated)).toBe('401 bad_signature')
    await rotated.stop()
  })

  it('takes a secret that looks like base64 as Onceline does: as it is written', async () => {
    const base64 = await openApp(database, {
      working: false,
      realtime: { jwtSecrets: [BASE64], allowedOrigins: [] },
    })
    const [token = ''] = await minted([BASE64, '42', 'driver'])
    expect(await fate(token, base64)).toBe('201')
    await base64.stop()
  })

  it('mints what ends when it was to end', async () => {
    const nowSeconds = Math.floor(Date.now() / 1_000)
    const [over = '', early = ''] = await minted(
      [CURRENT, '42', 'driver', 60, nowSeconds - 61],
      [CURRENT, '42', 'driver', 3_600, nowSeconds + 600],
    )
    expect(await fate(over)).toBe('401 expired')
    // No nbf is written, so a clock that is ahead does no harm.
    expect(await fate(early)).toBe('201')
  })

  it('is made by hand with the line of the document', async () => {
    const [, code = ''] = /php -r '(require [^']+)'/.exec(readFileSync(join(DOCS, 'README.md'), 'utf8')) ?? []
    if (php === undefined) throw new Error('there is no PHP')
    const script = code.replace('docs/laravel', DOCS)
    const { stdout, stderr } = await runPhp(php, ['-r', script], { env: { JWT_SECRET: CURRENT } })
    expect([stderr, await fate(stdout)]).toEqual(['', '201'])
  })

  it('signs these claims with HS256, by RFC 7515’s formula', async () => {
    const [usual = '', odd = ''] = await minted(
      [CURRENT, '42', 'driver', 60, NOW],
      [CURRENT, 'a/b?c>~"\\', 'customer', 3_600, NOW],
    )
    expect(read(usual)).toEqual({
      header: { alg: 'HS256', typ: 'JWT' },
      claims: { sub: '42', user_type: 'driver', iat: NOW, exp: NOW + 60 },
    })
    expect(read(odd).claims).toMatchObject({ sub: 'a/b?c>~"\\', exp: NOW + 3_600 })
  })

  it('mints nothing that Onceline would refuse', async () => {
    const refusals = await minted(
      [CURRENT.slice(0, 31), '42', 'driver'],
      [CURRENT, '', 'driver'],
      [CURRENT, 'x'.repeat(37), 'driver'],
      [CURRENT, 'سائق', 'driver'],
      [CURRENT, '42\n', 'driver'],
      [CURRENT, '42', 'Driver'],
      [CURRENT, '42', 'driver', 0],
    )
    expect(refusals).toEqual([
      expect.stringMatching(/secret of 32 bytes/),
      ...Array.from({ length: 4 }, () => expect.stringMatching(/1 to 36 visible ASCII/)),
      ...Array.from({ length: 2 }, () =>
        expect.stringMatching(/customer, driver or admin, and for some seconds/),
      ),
    ])
    expect(refusals.join()).not.toContain(CURRENT.slice(0, 31))
  })

  function read(token: string) {
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{43}$/)
    const [header = '', claims = '', signature] = token.split('.')
    expect(createHmac('sha256', CURRENT).update(`${header}.${claims}`).digest('base64url')).toBe(signature)
    const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    return { header: decode(header), claims: decode(claims) }
  }
})
