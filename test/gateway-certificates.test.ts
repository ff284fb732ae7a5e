import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../src/base/clock.ts'
import type { FetchedText } from '../src/webhooks/fetch-text.ts'
import { countOf } from './support/books.ts'
import { certificateOf } from './support/certificates.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { CERTIFICATE_URL, certpay, signedBy } from './support/made-up-gateways.ts'
import { accountOf, SmallDoor } from './support/small-door.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.parse('2026-11-29T00:00:00Z')
const good = certificateOf(START_MS - HOUR_MS, START_MS + 100 * HOUR_MS)
const PATH = '/webhooks/certpay'

let database: TestDatabase
let door: SmallDoor
let clock: ManualClock
let fetched: string[]
let answer: (url: string) => FetchedText | Promise<FetchedText>
let stored: number

beforeAll(async () => {
  database = await testDatabase('gateway-certificates')
})
afterAll(() => database?.drop())
beforeEach(async () => {
  fetched = []
  answer = () => ({ status: 200, text: good.pem })
  clock = manualClock(START_MS)
  door = await SmallDoor.open(database, {
    adapters: [certpay],
    accounts: [accountOf('certpay')],
    clock,
    fetchText: async (url) => {
      fetched.push(url)
      return answer(url)
    },
  })
  stored = await countOf(database.pool, 'webhook_events')
})
afterEach(() => door.close())

let lastId = 0
async function deliver(signer = good, message: Record<string, string> = {}) {
  lastId += 1
  const { body, headers } = signedBy(signer, { id: `evt-${lastId}`, ...message })
  const response = await door.post(PATH, body, headers)
  const { code, verdict } = (await response.json()) as Record<string, unknown>
  return { said: `${response.status} ${code ?? verdict}`, headers: response.headers }
}

async function expectNothingStored(): Promise<void> {
  expect(await countOf(database.pool, 'webhook_events')).toBe(stored)
}

describe('a delivery that is signed with a certificate', () => {
  it('is taken, and of many that come at once one fetches it', async () => {
    const gate = Promise.withResolvers<void>()
    answer = async () => {
      await gate.promise
      return { status: 200, text: good.pem }
    }
    const coming = Array.from({ length: 20 }, () => deliver())
    await expect.poll(() => fetched.length).toBe(1)
    gate.resolve()
    expect(new Set((await Promise.all(coming)).map(({ said }) => said))).toEqual(new Set(['200 stored']))
    expect((await deliver()).said).toBe('200 stored')
    expect(fetched).toEqual([CERTIFICATE_URL])
    expect(await countOf(database.pool, 'webhook_events')).toBe(stored + 21)
  })

  it('is refused where the certificate is another one', async () => {
    const other = certificateOf(START_MS - HOUR_MS, START_MS + HOUR_MS)
    expect((await deliver(other)).said).toBe('401 signature_invalid')
    await expectNothingStored()
  })

  it('is refused, and nobody is asked, where the certificate is on a host that its adapter does not pin', async () => {
    for (const certificate of [
      'https://evil.example/current.pem',
      'https://certs.certpay.example.evil.example/',
    ])
      expect((await deliver(good, { certificate })).said).toBe('401 signature_invalid')
    expect(fetched).toEqual([])
    await expectNothingStored()
  })

  it('is not taken once the certificate has ended, however lately it was fetched', async () => {
    const ending = certificateOf(START_MS - HOUR_MS, START_MS + HOUR_MS)
    answer = () => ({ status: 200, text: ending.pem })
    expect((await deliver(ending)).said).toBe('200 stored')
    clock.advance(HOUR_MS)
    expect((await deliver(ending)).said).toBe('503 certificate_unavailable')
    expect(fetched).toHaveLength(2)
  })
})

describe('a certificate that cannot be had', () => {
  it.each([
    ['its host is away', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['its host has trouble', () => ({ status: 500, text: good.pem })],
    ['it has ended', () => ({ status: 200, text: certificateOf(0, START_MS - 1_000).pem })],
    [
      'it is not yet valid',
      () => ({ status: 200, text: certificateOf(START_MS + 1_000, START_MS + HOUR_MS).pem }),
    ],
    ['it is none', () => ({ status: 200, text: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END' })],
  ])('makes 503, stores nothing and leaves its host alone for five seconds: %s', async (_, failing) => {
    answer = failing
    const { said, headers } = await deliver()
    expect(said).toBe('503 certificate_unavailable')
    expect([headers.get('retry-after'), headers.get('content-type')]).toEqual([
      '5',
      'application/problem+json',
    ])
    clock.advance(4_999)
    expect((await deliver()).said).toBe('503 certificate_unavailable')
    expect(fetched).toHaveLength(1)
    await expectNothingStored()
    expect(await door.metrics('onceline_webhook_deliveries_total')).toEqual([
      'onceline_webhook_deliveries_total{gateway="certpay",verdict="unavailable"} 2',
    ])
    expect(door.lines.filter((line) => line.includes('"code":"certificate_unavailable"'))).toHaveLength(2)
    answer = () => ({ status: 200, text: good.pem })
    clock.advance(1)
    expect((await deliver()).said).toBe('200 stored')
  })
})

describe('a subscription', () => {
  const subscribe = 'https://sns.certpay.example/confirm?token=1'

  it('is confirmed by a GET of the address that is signed, and stores nothing', async () => {
    expect((await deliver(good, { subscribe })).said).toBe('200 nothing')
    expect(fetched).toEqual([CERTIFICATE_URL, subscribe])
    await expectNothingStored()
    const counted = 'onceline_webhook_deliveries_total{gateway="certpay",verdict="subscribed"}'
    expect(await door.metrics(counted)).toEqual([`${counted} 1`])
  })

  it.each([
    ['fails', () => Promise.reject(new Error('time-out'))],
    ['is answered by an error', () => ({ status: 403, text: '' })],
    ['is sent elsewhere', () => ({ status: 302, text: '' })],
  ])('is asked for again (503) where the GET %s', async (_, failing) => {
    await deliver()
    answer = failing
    const { said, headers } = await deliver(good, { subscribe })
    expect([said, headers.get('retry-after')]).toEqual(['503 subscription_unconfirmed', '5'])
    expect(door.lines.some((line) => line.includes('"code":"subscription_unconfirmed"'))).toBe(true)
  })

  it('is not confirmed for somebody who cannot sign', async () => {
    const other = certificateOf(START_MS - HOUR_MS, START_MS + HOUR_MS)
    expect((await deliver(other, { subscribe })).said).toBe('401 signature_invalid')
    expect(fetched).toEqual([CERTIFICATE_URL])
  })
})
