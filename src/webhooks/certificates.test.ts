import { beforeEach, describe, expect, it } from 'vitest'
import { certificateOf } from '../../test/support/certificates.ts'
import type { FetchLimits } from '../base/bounded-fetch.ts'
import { type ManualClock, manualClock } from '../base/clock.ts'
import { Certificates } from './certificates.ts'
import type { FetchedText } from './fetch-text.ts'

const START_MS = Date.parse('2026-11-29T00:00:00Z')
const HOUR_MS = 3_600_000
const URL_OF_ONE = 'https://certs.testpay.example/one'
const good = certificateOf(START_MS - HOUR_MS, START_MS + 100 * HOUR_MS)

let clock: ManualClock
let asked: { readonly url: string; readonly limits: FetchLimits }[]
let answer: (url: string) => FetchedText | Promise<FetchedText>
let certificates: Certificates

beforeEach(() => {
  clock = manualClock(START_MS)
  asked = []
  answer = () => ({ status: 200, text: good.pem })
  certificates = new Certificates({
    clock,
    fetchText: async (url, limits) => {
      asked.push({ url, limits })
      return answer(url)
    },
  })
})

function away(): never {
  throw new Error('ECONNREFUSED')
}

async function isHad(url = URL_OF_ONE): Promise<boolean> {
  const key = await certificates.fetch(url)
  expect(certificates.known.get(url)).toBe(key ?? undefined)
  return key?.equals(good.publicKey) ?? false
}

describe('a certificate', () => {
  it('is fetched once for all who wait for it, within limits', async () => {
    const gate = Promise.withResolvers<FetchedText>()
    answer = () => gate.promise
    const waiting = Array.from({ length: 50 }, () => isHad())
    gate.resolve({ status: 200, text: good.pem })
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([true]))
    expect(asked).toEqual([{ url: URL_OF_ONE, limits: { timeoutMs: 3_000, maxBytes: 65_536 } }])
  })

  it('is kept for six hours, and fetched again then', async () => {
    await isHad()
    clock.advance(6 * HOUR_MS - 1)
    expect([await isHad(), asked.length]).toEqual([true, 1])
    clock.advance(1)
    expect(certificates.known.size).toBe(0)
    expect([await isHad(), asked.length]).toEqual([true, 2])
  })

  it('is not believed beyond its own end', async () => {
    const ending = certificateOf(START_MS - HOUR_MS, START_MS + HOUR_MS)
    answer = () => ({ status: 200, text: ending.pem })
    expect((await certificates.fetch(URL_OF_ONE))?.equals(ending.publicKey)).toBe(true)
    clock.advance(HOUR_MS - 1)
    expect(certificates.known.size).toBe(1)
    clock.advance(1)
    expect(certificates.known.size).toBe(0)
    expect([await certificates.fetch(URL_OF_ONE), asked.length]).toEqual([null, 2])
  })

  it.each([
    ['has ended', () => ({ status: 200, text: certificateOf(0, START_MS).pem })],
    [
      'is not yet valid',
      () => ({ status: 200, text: certificateOf(START_MS + 1_000, START_MS + HOUR_MS).pem }),
    ],
    ['is none', () => ({ status: 200, text: '<html></html>' })],
    ['is cut off', () => ({ status: 200, text: good.pem.slice(0, 200) })],
    ['is of an answer that is no 200', () => ({ status: 203, text: good.pem })],
    ['is of a host that is away', away],
  ])('is not had that %s, and its URL is left alone for five seconds', async (_, failing) => {
    answer = failing
    expect(await isHad()).toBe(false)
    answer = () => ({ status: 200, text: good.pem })
    clock.advance(4_999)
    expect([await isHad(), asked.length]).toEqual([false, 1])
    clock.advance(1)
    expect([await isHad(), asked.length]).toEqual([true, 2])
  })

  it('whose host is slow is left alone for five seconds after it failed, not after it was asked', async () => {
    answer = () => {
      clock.advance(3_000)
      return away()
    }
    await isHad()
    clock.advance(4_999)
    await isHad()
    expect(asked).toHaveLength(1)
  })
})

describe('strangers who name URLs', () => {
  const urlOf = (index: number) => `https://certs.testpay.example/made-up-${index}`

  it('push no good certificate out, and do not keep it from being fetched again', async () => {
    await isHad()
    answer = away
    for (let index = 0; index < 200; index += 1) await isHad(urlOf(index))
    expect(certificates.known.size).toBe(1)
    answer = () => ({ status: 200, text: good.pem })
    clock.advance(6 * HOUR_MS)
    answer = away
    for (let index = 0; index < 40; index += 1) await isHad(urlOf(index))
    answer = () => ({ status: 200, text: good.pem })
    expect(await isHad()).toBe(true)
  })

  it('make us fetch 32 that fail within one pause, and more only after it', async () => {
    answer = away
    for (let index = 0; index < 100; index += 1) await isHad(urlOf(index))
    expect(asked).toHaveLength(32)
    clock.advance(5_000)
    await isHad(urlOf(100))
    expect(asked).toHaveLength(33)
  })

  it('make us fetch eight at once', async () => {
    const gate = Promise.withResolvers<FetchedText>()
    answer = () => gate.promise
    const waiting = Array.from({ length: 50 }, (_, index) => certificates.fetch(urlOf(index)))
    expect(asked).toHaveLength(8)
    gate.resolve({ status: 200, text: good.pem })
    expect((await Promise.all(waiting)).filter((key) => key !== null)).toHaveLength(8)
  })

  it('make at most 128 deliveries wait', async () => {
    const gate = Promise.withResolvers<FetchedText>()
    answer = () => gate.promise
    const waiting = Array.from({ length: 200 }, () => certificates.fetch(URL_OF_ONE))
    gate.resolve({ status: 200, text: good.pem })
    expect((await Promise.all(waiting)).filter((key) => key !== null)).toHaveLength(128)
    expect(await isHad()).toBe(true)
  })

  it('make us keep 32, and never more', async () => {
    for (let index = 0; index < 100; index += 1) {
      await isHad(urlOf(index))
      expect(certificates.known.size).toBe(Math.min(index + 1, 32))
    }
    expect(certificates.known.has(urlOf(99))).toBe(true)
  })
})
