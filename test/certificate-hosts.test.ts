import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { fateOf } from './support/books.ts'
import { certificateOf } from './support/certificates.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { fakeHost } from './support/faked-hosts.ts'
import { sampleAccount } from './support/gateway-accounts.ts'

const DAY_MS = 86_400_000
/** With this key the gateways sign; nobody here was told of it but by their hosts. */
const signer = certificateOf(Date.now() - DAY_MS, Date.now() + DAY_MS, { rsa: true })
const GATEWAYS = {
  paypal: {
    host: 'api.paypal.com',
    path: /^GET \/v1\/notifications\/certs\/CERT-[\w-]+$/,
    fate: /^unconfirmed/,
  },
  bkash: {
    host: 'sns.ap-southeast-1.amazonaws.com',
    path: /^GET \/SimpleNotificationService-\w+\.pem$/,
    fate: /^parked/,
  },
} as const
type Gateway = keyof typeof GATEWAYS
const NAMES = Object.keys(GATEWAYS) as Gateway[]

let database: TestDatabase
let service: TestApp

beforeAll(async () => {
  database = await testDatabase('certificate-hosts')
})
afterAll(() => database?.drop())

/** The account of the gateway without a pinned key: only the net can say who signs. */
function unpinned(gateway: Gateway) {
  const { PUBLIC_KEY: _, ...settings } = sampleAccount(gateway).settings
  return { ...sampleAccount(gateway), account: 'net', settings }
}

async function deliver(gateway: Gateway) {
  const spec = {
    merchantRef: `trip-${gateway}`,
    account: 'net',
    privateKey: signer.privateKey,
    currency: 'USD',
  }
  return service.post(service.delivery(gateway, spec))
}

describe.each(NAMES)('%s, whose deliveries are signed by a certificate', (gateway) => {
  const { host, path, fate } = GATEWAYS[gateway]

  beforeAll(async () => {
    service = await openApp(database, { otherAccounts: [unpinned(gateway)] })
  })
  afterAll(() => service.stop())

  it('is answered 503 while its host is another one, whatever that says', async () => {
    const impostor = await fakeHost(host, () => signer.pem, 'evil.example')
    const { status, body } = await deliver(gateway)
    expect([status, body.code]).toEqual([503, 'certificate_unavailable'])
    expect(impostor.asked).toEqual([])
    await impostor.close()
    await service.stop()
    service = await openApp(database, { otherAccounts: [unpinned(gateway)] })
  })

  it('is verified with what its host serves over https, stored and processed', async () => {
    const genuine = await fakeHost(host, () => signer.pem)
    const first = await deliver(gateway)
    const second = await deliver(gateway)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(genuine.asked).toEqual([expect.stringMatching(path)])
    await genuine.close()
    const [id = ''] = (first.body.eventIds ??
      first.headers.get('x-onceline-event-ids')?.split(',') ??
      []) as string[]
    const event = Buffer.from(id.replaceAll('-', ''), 'hex')
    await expect.poll(() => fateOf(database.pool, event)).toMatch(fate)
  })

  it('and is refused where another key signed', async () => {
    const other = certificateOf(Date.now() - DAY_MS, Date.now() + DAY_MS, { rsa: true })
    const genuine = await fakeHost(host, () => signer.pem)
    const spec = { merchantRef: 'trip-x', account: 'net', privateKey: other.privateKey, currency: 'USD' }
    const { status, body } = await service.post(service.delivery(gateway, spec))
    expect([status, body.code]).toEqual([401, 'signature_invalid'])
    await genuine.close()
  })
})
