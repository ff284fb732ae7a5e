import { createSign, generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Attacked } from './support/attacked.ts'
import { refusal } from './support/raw-socket.ts'
import { JWT_SECRET } from './support/socket.ts'
import { base64Url, signToken, type TokenShape } from './support/tokens.ts'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-door-tokens')
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

describe('a token that is none', () => {
  const sign = (shape: Partial<TokenShape> = {}) => signToken({ secret: JWT_SECRET, ...shape })
  const [, claims = ''] = sign().split('.')
  const header = (members: object) => base64Url(JSON.stringify(members))
  const nowS = Math.floor(Date.now() / 1_000)
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const signedByRsa = `${header({ alg: 'RS256' })}.${claims}`

  it.each([
    ['malformed', ''],
    ['malformed', 'x'],
    ['malformed', 'a.b.c'],
    ['malformed', 'undefined'],
    ['bad_signature', `${sign()}x`],
    ['malformed', sign({ payload: 'no claims' })],
    ['malformed', sign({ claims: { sub: { $gt: '' } } })],
    ['malformed', sign({ claims: { exp: '9999999999' } })],
    ['too_long', sign({ claims: { note: 'x'.repeat(5_000) } })],
    ['wrong_algorithm', `${header({ alg: 'none' })}.${claims}.`],
    ['wrong_algorithm', sign({ header: { alg: 'nOnE' } })],
    ['wrong_algorithm', sign({ header: { alg: 'HS512' }, hash: 'sha512' })],
    [
      'wrong_algorithm',
      `${signedByRsa}.${createSign('sha256').update(signedByRsa).sign(privateKey, 'base64url')}`,
    ],
    ['bad_signature', sign({ secret: pem })],
    ['bad_signature', sign({ secret: '' })],
    ['bad_signature', sign({ secret: 'AAAA', header: { jwk: { kty: 'oct', k: 'AAAA' } } })],
    ['unknown_extension', sign({ header: { crit: ['exp'], exp: 1 } })],
    ['no_expiry', sign({ claims: { exp: undefined } })],
    ['expired', sign({ claims: { exp: nowS - 1 } })],
    ['not_yet_valid', sign({ claims: { nbf: nowS + 600 } })],
    ['no_subject', sign({ claims: { sub: undefined } })],
    ['subjects_differ', sign({ claims: { user_id: 'driver-2' } })],
    ['unknown_user_type', sign({ claims: { user_type: 'superuser' } })],
  ])('%s: %s', async (reason, token) => {
    if (token.length > 10) attacked.keepSecret(token)
    const answers = [
      await refusal(attacked.app.port, `/?token=${token}`),
      ...(token === '' ? [] : [await refusal(attacked.app.port, '/', [`authorization: Bearer ${token}`])]),
      ...(token === ''
        ? []
        : [await refusal(attacked.app.port, '/', [`sec-websocket-protocol: onceline.v1, bearer.${token}`])]),
    ]
    for (const { status, headers, body } of answers) {
      expect(status).toBe(401)
      expect(headers).toMatchObject({
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
        connection: 'close',
      })
      const { detail, ...members } = JSON.parse(body)
      expect(members).toMatchObject({ code: 'token_refused', reason, status: 401 })
      expect(headers['www-authenticate']).toBe(
        `Bearer realm="onceline", error="invalid_token", error_description="${detail}"`,
      )
      if (token.length > 10) expect(body + JSON.stringify(headers)).not.toContain(token)
    }
  })
})
