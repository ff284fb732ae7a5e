import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { NO_LIMITS } from '../src/limits/rules.ts'
import { Attacked } from './support/attacked.ts'
import { clientFrame } from './support/raw-frames.ts'
import { outcomeOf, RawSocket, refusal } from './support/raw-socket.ts'
import { JWT_SECRET } from './support/socket.ts'

const HANDSHAKES = 30
let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-door-limits', {
    realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [], sockets: { perUser: 3, perNetwork: 5 } },
    rateLimits: { ...NO_LIMITS, handshake: { points: HANDSHAKES, seconds: 3_600 } },
    internalApi: { isSeparate: false, allowedCidrs: null, trustedProxies: ['127.0.0.1'] },
  })
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

/** What the proxy says of whom it lets through; without it he is nobody's network. */
const from = (address: string) => [`x-forwarded-for: ${address}`]

function open(userId: string, lines: readonly string[] = []): Promise<RawSocket> {
  return RawSocket.open(attacked.app.port, `/?token=${attacked.token(userId)}`, lines)
}

function refused(userId: string, lines: readonly string[] = []) {
  return refusal(attacked.app.port, `/?token=${attacked.token(userId)}`, lines)
}

/** Opens as soon as a seat is free. */
async function opensAgain(userId: string, lines: readonly string[] = []): Promise<RawSocket> {
  let raw: RawSocket | null = null
  await expect
    .poll(async () => {
      raw = await open(userId, lines).catch(() => null)
      return raw !== null
    })
    .toBe(true)
  return raw as unknown as RawSocket
}

describe('seats', () => {
  it('of a user: the fourth is refused until one of the three is gone, however it goes', async () => {
    const raws = [await open('rider-1'), await open('rider-1'), await open('rider-1')]
    const ends = [
      (raw: RawSocket) => raw.socket.resetAndDestroy(),
      (raw: RawSocket) => raw.socket.end(),
      (raw: RawSocket) => raw.send(clientFrame({ masked: false })),
    ]
    for (const end of ends) {
      const answer = await refused('rider-1')
      expect(outcomeOf(answer)).toBe('429 connections_user_full')
      expect(answer.headers['retry-after']).toBe('5')
      const [oldest] = raws.splice(0, 1)
      if (oldest) end(oldest)
      raws.push(await opensAgain('rider-1'))
    }
    for (const raw of raws) raw.end()
  })

  it('of an address: the sixth is refused, whoever it is, and others have theirs', async () => {
    const raws = await Promise.all([1, 2, 3, 4, 5].map((n) => open(`guest-${n}`, from('203.0.113.1'))))
    const answer = await refused('guest-6', from('203.0.113.1'))
    expect(outcomeOf(answer)).toBe('429 connections_network_full')
    raws.push(await open('guest-6', from('203.0.113.2')), await open('guest-7'))
    for (const raw of raws) raw.end()
  })

  it('are not taken by whoever is refused', async () => {
    for (let n = 0; n < 10; n += 1)
      expect((await refusal(attacked.app.port, '/?token=x', from('203.0.113.3'))).status).toBe(401)
    const raws = await Promise.all([1, 2, 3, 4, 5].map((n) => open(`late-${n}`, from('203.0.113.3'))))
    for (const raw of raws) raw.end()
  })
})

describe('handshakes of an address', () => {
  const checked = async () =>
    (await attacked.app.metrics('onceline_tokens_checked_total{')).reduce(
      (sum, line) => sum + Number(line.split(' ').at(-1)),
      0,
    )

  it('are so many, good and bad ones; then no token is looked at any more, and others come in', async () => {
    const lines = from('203.0.113.4')
    for (let n = 0; n < HANDSHAKES; n += 1)
      expect((await refusal(attacked.app.port, '/?token=x', lines)).status).toBe(401)
    const before = await checked()
    for (const answer of [
      await refused('rider-2', lines),
      await refusal(attacked.app.port, '/?token=x', lines),
    ]) {
      expect(outcomeOf(answer)).toBe('429 rate_limited')
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(await checked()).toBe(before)
    const other = await open('rider-2', from('203.0.113.5'))
    other.end()
  })

  it('that are no handshakes count nobody', async () => {
    for (let n = 0; n < HANDSHAKES * 2; n += 1)
      expect((await refusal(attacked.app.port, '/', from('203.0.113.6'))).status).toBe(401)
    const raw = await open('rider-3', from('203.0.113.6'))
    raw.end()
  })
})
