import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { samples } from '../src/webhooks/gateways/samples/samples.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type CliEnv, envOf, onceline, oncelineHere, oncelineJson } from './support/cli.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { signingKey } from './support/gateway-accounts.ts'

/** Every process compiles its modules, on two cores that others use too. */
const TIMEOUT_MS = 60_000
const VECTORS = join(import.meta.dirname, 'vectors')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onceline-webhook-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('onceline webhook verify', { timeout: TIMEOUT_MS }, () => {
  it('agrees with every vector, one line of JSON each, and needs no configuration', async () => {
    const files = readdirSync(VECTORS).map((name) => join(VECTORS, name))
    const cases = files.flatMap((path) => JSON.parse(readFileSync(path, 'utf8')))
    const { code, stdout, stderr } = await onceline({ DB_PORT: 'not a port' }, 'webhook', 'verify', ...files)
    expect(stderr).toBe('')
    const lines = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ name, valid }) => [name, valid])).toEqual(
      cases.map(({ name, valid }) => [name, valid]),
    )
    expect(code).toBe(0)
    const members =
      'amountMinor currency dedupeKey eventId gateway mayMoveMoney name reason state tier type valid'.split(
        ' ',
      )
    for (const line of lines) expect(Object.keys(line).sort()).toEqual(members)
  })

  it('takes one delivery, and exits 1 where the file is of another opinion', async () => {
    const [genuine] = JSON.parse(readFileSync(join(VECTORS, 'paystack.json'), 'utf8'))
    const { code, stdout, stderr } = await onceline(
      {},
      'webhook',
      'verify',
      file('one.json', { ...genuine, valid: false }),
    )
    expect([code, JSON.parse(stdout.toString()).valid]).toEqual([1, true])
    expect(stderr).toContain('valid is true, and the file says false')
    const { valid, ...unjudged } = genuine
    expect((await onceline({}, 'webhook', 'verify', file('two.json', unjudged))).code).toBe(0)
  })

  it.each([
    ['a gateway that is none', [{ gateway: 'bitcoin', body: '' }], 'bitcoin is no gateway'],
    ['a field of another type', [{ gateway: 'stripe', body: 5 }], 'body'],
    ['no JSON', '{', 'nothing.json: '],
    ['neither delivery nor array', '"text"', 'neither a delivery nor an array'],
  ])('names what is wrong with a file: %s', async (_, content, words) => {
    const { code, stderr } = await onceline({}, 'webhook', 'verify', file('nothing.json', content))
    expect(code).toBe(2)
    expect(stderr).toContain(words)
  })
})

describe('onceline webhook send', { timeout: TIMEOUT_MS }, () => {
  let database: TestDatabase
  let door: TestApp
  let env: CliEnv

  beforeAll(async () => {
    database = await testDatabase('webhook-send')
    door = await openApp(database, { working: false })
    env = { ...envOf(database), DATA_DIR: folder }
    // What gateways with certificates sign with in development; the door knows this one's public half.
    writeFileSync(join(folder, 'dev-key.pem'), signingKey().export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    })
  })
  afterAll(async () => {
    await door?.stop()
    await database?.drop()
  })

  it.each([...adapters.keys()])('%s: what it sends is stored and can be shown', async (gateway) => {
    const kind = samples.get(gateway)?.kinds.includes('captured')
      ? 'captured'
      : samples.get(gateway)?.kinds[0]
    const secret = door.secrets[gateway] ?? ''
    const given = secret === '' ? [] : ['--secret', secret]
    const sent = await oncelineHere(env, 'webhook', 'send', gateway, String(kind), '--to', door.url, ...given)
    expect(sent).toMatchObject({ code: 0, json: { status: 200 } })
    const [id] = sent.json.eventIds
    const shown = await oncelineHere(env, 'events', 'show', id)
    expect(shown).toMatchObject({ code: 0, json: { event: { gateway } } })
  })

  it('names the option that is wrong, and what a refusal says', async () => {
    const said = async (...args: readonly string[]) =>
      (await onceline(env, 'webhook', 'send', ...args)).stderr
    expect(await said('bitcoin', 'captured')).toContain('<gateway>: bitcoin is unknown')
    expect(await said('stripe', 'expired')).toContain('<event>: Stripe tells of')
    expect(await said('stripe', 'captured', '--amount', '1.234')).toContain('--amount')
    expect(await said('stripe', 'captured', '--currency', 'egp')).toContain('--currency')
    const refused = await oncelineJson(
      env,
      'webhook',
      'send',
      'stripe',
      'captured',
      '--to',
      door.url,
      '--secret',
      'x',
    )
    expect(refused).toMatchObject({ code: 1, json: { status: 401, answer: { code: 'signature_invalid' } } })
    const nobody = await oncelineJson(
      env,
      'webhook',
      'send',
      'stripe',
      'captured',
      '--to',
      'http://127.0.0.1:9',
    )
    expect(nobody).toMatchObject({ code: 3, json: { error: { code: 'unreachable' } } })
  })

  it('prints a command to paste, and sends the bytes of a file', async () => {
    const secret = door.secrets.stripe
    const printed = await onceline(
      env,
      'webhook',
      'send',
      'stripe',
      'captured',
      '--secret',
      secret,
      '--print',
    )
    expect(printed.stdout.toString()).toMatch(
      /^curl -sS -X POST 'http:\/\/127\.0\.0\.1:3000\/webhooks\/stripe' -H /,
    )
    const body = file('body.json', { id: 'evt_saved', type: 'charge.succeeded', data: { object: {} } })
    const args = ['--to', door.url, '--secret', secret, '--body', body]
    const sent = await oncelineJson(env, 'webhook', 'send', 'stripe', 'captured', ...args)
    expect(sent).toMatchObject({ code: 0, json: { answer: { verdict: 'stored' } } })
    const listed = await oncelineJson(env, 'events', 'list', '--gateway', 'stripe')
    expect(listed.json.events).toContainEqual(expect.objectContaining({ eventId: 'evt_saved' }))
  })
})
