import { afterAll, beforeAll, expect, it } from 'vitest'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { newSecret, samples } from '../src/webhooks/gateways/samples/samples.ts'
import { settingsOf } from '../src/webhooks/gateways/settings.ts'
import { openApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { sampleAccount, signingWith } from './support/gateway-accounts.ts'
import { FakeGatewayApi } from './support/gateway-apis.ts'
import { expectNoneOf, expectPayment, saidBy, specOf } from './support/redaction.ts'

const GATEWAYS = [...adapters.keys()]
const CONFIRMED = GATEWAYS.filter((gateway) => adapters.get(gateway)?.confirm !== undefined)
const ASKABLE = GATEWAYS.filter((gateway) => CONFIRMED.includes(gateway) || adapters.get(gateway)?.lister)

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('api-redaction')
})
afterAll(async () => {
  await database?.drop()
})

it("no credential of a gateway's API is in any line, answer, metric or stored error, whatever the API answers", async () => {
  const api = await new FakeGatewayApi().open()
  api.answer = (path, body) => {
    const { headers } = api.asked.at(-1) ?? {}
    // Some APIs say what they were asked.
    const json = {
      path,
      headers,
      body,
      status: JSON.stringify(headers),
      reason: path,
      token: 'bought-5ecret-token',
    }
    const turn = api.asked.length % 4
    return turn === 3 ? { breaksOff: true } : { status: [401, 200, 500][turn] ?? 200, json }
  }
  const accounts = ASKABLE.map((gateway) => askableAccount(gateway, api.url))
  const app = await openApp(database, { logLevel: 'trace', otherAccounts: accounts })
  for (const { gateway, settings, secrets } of accounts) {
    await expectPayment(database.pool, gateway, 'asked')
    const own = { ...signingWith(gateway, secrets[0]), settings, account: 'asked' }
    for (const kind of ['captured', 'refunded'] as const) {
      if (!samples.get(gateway)?.kinds.includes(kind)) continue
      const delivery = app.delivery(gateway, { ...specOf(gateway, `${kind}-1`), kind, ...own })
      const response = await fetch(app.url + delivery.path, {
        method: 'POST',
        ...delivery,
        body: new Uint8Array(delivery.body),
      })
      expect([gateway, response.status]).toEqual([gateway, 200])
    }
  }
  const unasked = `SELECT id FROM webhook_events WHERE account = 'asked' AND state = 'unconfirmed' AND attempts = 0`
  await expect.poll(async () => (await database.pool.query(unasked))[0], { timeout: 20_000 }).toEqual([])
  await expect
    .poll(() => app.lines.some((line) => line.includes('did not list')), { timeout: 20_000 })
    .toBe(true)
  const said = await saidBy(app, database.pool)
  await app.stop()
  await api.close()

  for (const trouble of ['answered 401', 'answered 500', 'cannot be reached', 'no list of events'])
    expect(said).toContain(trouble)
  const credentials = accounts
    .flatMap(({ settings }) => Object.values<string | undefined>(settings).map((value) => value ?? ''))
    .filter((value) => value.includes('5ecret'))
  expect(credentials.length).toBeGreaterThan(ASKABLE.length)
  const asked = JSON.stringify(api.asked)
  expect(credentials.filter((value) => asked.includes(value)).length).toBeGreaterThan(5)
  const encoded = credentials.map((value) => Buffer.from(`${value}:`).toString('base64').slice(0, 24))
  expectNoneOf([...credentials, ...encoded, 'bought-5ecret-token'], said)
})

/** Every setting that asking needs, as a credential of its own. */
function askableAccount(gateway: string, apiUrl: string) {
  const adapter = adapters.get(gateway) ?? expect.fail('no adapter')
  const account = sampleAccount(gateway, newSecret(gateway))
  const needed = settingsOf(adapter).filter((setting) => setting.needed === 'confirm')
  const credentials = needed.map(({ name }) => [
    name,
    `sk_${gateway.replace('-', '_')}_${name}_5ecret_${process.pid}`,
  ])
  const settings = { ...account.settings, ...Object.fromEntries(credentials), API_URL: apiUrl }
  return { ...account, account: 'asked', settings }
}
