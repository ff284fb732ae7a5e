import { createServer, type Server } from 'node:http'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AddressRanges } from '../src/base/addresses.ts'
import { systemClock } from '../src/base/clock.ts'
import { createLogger } from '../src/base/log.ts'
import { createSampler } from '../src/base/sampler.ts'
import { listen, stopListening } from '../src/http.ts'
import type { SeatBook } from '../src/realtime/admission.ts'
import { Door } from '../src/realtime/door.ts'
import { createRealtimeMetrics } from '../src/realtime/metrics.ts'
import { originRule } from '../src/realtime/origins.ts'
import { tokenRules } from '../src/realtime/token.ts'
import { openApp } from './support/app.ts'
import { Attacked } from './support/attacked.ts'
import { clientFrame, OPCODE } from './support/raw-frames.ts'
import { RawConnection } from './support/raw-http.ts'
import { outcomeOf, RawSocket, upgradeRequest } from './support/raw-socket.ts'
import { JWT_SECRET, openSocket } from './support/socket.ts'
import { signToken } from './support/tokens.ts'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-door-trouble')
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

describe('a client that sends slowly', () => {
  it('is cut by the time limit for headers, with a hundred of its kind, while others are served', async () => {
    const request = upgradeRequest(`/?token=${attacked.token('slow')}`)
    const silent = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(attacked.app.port)))
    const trickling = await Promise.all(
      Array.from({ length: 50 }, () => RawConnection.open(attacked.app.port)),
    )
    for (const one of silent) one.send(request.slice(0, 60))
    let sent = 0
    const trickle = setInterval(() => {
      sent += 1
      for (const one of trickling) if (sent < request.length) one.send(request.charAt(sent - 1))
    }, 200)
    const served = await openSocket(attacked.app.url, 'meanwhile')
    await served.close()
    await Promise.all([...silent, ...trickling].map(({ closed }) => closed))
    clearInterval(trickle)
    expect(sent).toBeLessThan(request.length)
  })

  it('and ends in the middle of its headers', async () => {
    const connections = await Promise.all(
      Array.from({ length: 100 }, () => RawConnection.open(attacked.app.port)),
    )
    for (const [n, one] of connections.entries()) {
      one.send('GET /?token=x HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: webs')
      if (n % 2 === 0) one.socket.end()
      else one.socket.resetAndDestroy()
    }
    await Promise.all(connections.map(({ closed }) => closed))
  })
})

describe('frames that come with the handshake, in one packet', () => {
  const ping = clientFrame({ opcode: OPCODE.ping, payload: 'early' })
  const binary = clientFrame({ opcode: OPCODE.binary, payload: 'early' })
  const begin = (together: Buffer) =>
    RawSocket.begin(attacked.app.port, `/?token=${attacked.token('early')}`, [], together)

  it('are answered, a ping at once', async () => {
    const raw = await begin(ping)
    await raw.pong('early')
    await raw.event('ready')
    raw.end()
  })

  it('are answered after ready', async () => {
    const raw = await begin(Buffer.concat([binary, binary]))
    await raw.text(({ re }) => re === null)
    const texts = raw.frames.map(({ payload }) => JSON.parse(String(payload)))
    expect(texts[0].event).toBe('ready')
    raw.end()
  })

  it('are judged like others', async () => {
    const raw = await begin(clientFrame({ masked: false }))
    expect(await raw.closeCode()).toBe(1002)
    raw.end()
  })
})

describe('a client that goes away', () => {
  it.each([
    ['with a reset', true],
    ['with an end', false],
  ])('%s, right after its handshake', async (_, resets) => {
    const target = () => `/?token=${attacked.token('gone')}`
    const raws = await Promise.all(
      Array.from({ length: 50 }, () => RawSocket.begin(attacked.app.port, target())),
    )
    for (const { socket } of raws) {
      if (resets) socket.resetAndDestroy()
      else socket.end()
    }
    await Promise.all(raws.map(({ closed }) => closed))
  })
})

describe('a process that leaves', () => {
  it('refuses handshakes that were on their way, and says when to come back', async () => {
    const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
    const leaving = await openApp(attacked.database, { realtime })
    const late = await RawConnection.open(leaving.port)
    const request = upgradeRequest(`/?token=${attacked.token('late')}`)
    late.send(request.slice(0, 60))
    // Somebody who reads nothing, so that the process does not leave before it is asked.
    const holding = await RawSocket.open(leaving.port, `/?token=${attacked.token('holding')}`)
    holding.socket.pause()
    const stopped = leaving.stop()
    late.send(request.slice(60))
    const answer = await late.answer()
    expect(outcomeOf(answer)).toBe('503 overloaded')
    expect(answer.headers['retry-after']).toBe('5')
    holding.end()
    await stopped
  })
})

/** Seats that are given when the test says so. */
class SlowSeats implements SeatBook {
  readonly asked: (() => void)[] = []
  taken = 0
  freed = 0
  readonly #failing: boolean

  constructor(failing = false) {
    this.#failing = failing
  }

  take(): Promise<'taken'> {
    return new Promise((resolve, reject) => {
      this.asked.push(() => {
        if (this.#failing) return reject(new Error('the seats are away'))
        this.taken += 1
        resolve('taken')
      })
    })
  }

  free(): void {
    this.freed += 1
  }
}

/** The door alone, on a server of its own; whoever is let in keeps his seat until he is gone. */
async function openDoor(seats: SlowSeats) {
  const metrics = createRealtimeMetrics(new Registry())
  const lines: string[] = []
  const log = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const door = new Door({
    admission: {
      tokens: tokenRules([JWT_SECRET], systemClock),
      desk: {
        redis: null as never,
        installation: '',
        clock: systemClock,
        metrics,
        onRedisError: () => undefined,
      },
      allowsOrigin: originRule([]),
      trustedProxies: new AddressRanges(['127.0.0.1']),
      limits: { take: () => Promise.reject(new Error('nobody is counted behind a proxy')) },
      seats,
      metrics,
      isClosed: () => false,
    },
    metrics,
    log,
    refusals: createSampler({ perSecond: 100, burst: 100 }),
    onOpen: (ws) => {
      ws.on('error', () => undefined)
      ws.on('close', () => seats.free())
    },
  })
  const server: Server = createServer()
  door.attach(server)
  const port = await listen(server, 0, '127.0.0.1')
  return { port, lines, stop: () => stopListening(server, 1_000) }
}

describe('a seat', () => {
  const target = `/?token=${signToken({ secret: JWT_SECRET })}`

  it.each(['resetAndDestroy', 'end', 'destroy'] as const)(
    'is free again when its client goes (%s) before he has it',
    async (end) => {
      const seats = new SlowSeats()
      const { port, stop } = await openDoor(seats)
      const raws = await Promise.all(Array.from({ length: 20 }, () => RawSocket.begin(port, target)))
      await expect.poll(() => seats.asked.length).toBe(20)
      for (const { socket } of raws) socket[end]()
      for (const give of seats.asked) give()
      await expect.poll(() => seats.freed, { timeout: 10_000 }).toBe(20)
      expect(seats.taken).toBe(20)
      await stop()
    },
  )

  it('that comes when nobody waits for it any more is given back', async () => {
    const seats = new SlowSeats()
    const { port, stop } = await openDoor(seats)
    const connection = await RawConnection.open(port)
    connection.send(upgradeRequest(target))
    const answer = await connection.answer()
    expect(outcomeOf(answer)).toBe('503 overloaded')
    expect(answer.headers['retry-after']).toBe('5')
    seats.asked[0]?.()
    await expect.poll(() => seats.freed).toBe(1)
    await stop()
  })

  it('that fails when nobody waits for it any more fails nothing else', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    const seats = new SlowSeats(true)
    const { port, stop } = await openDoor(seats)
    const connection = await RawConnection.open(port)
    connection.send(upgradeRequest(target))
    expect(outcomeOf(await connection.answer())).toBe('503 overloaded')
    seats.asked[0]?.()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    await stop()
  })

  it('that fails in time ends the handshake, and is logged', async () => {
    const seats = new SlowSeats(true)
    const { port, lines, stop } = await openDoor(seats)
    const connection = await RawConnection.open(port)
    connection.send(upgradeRequest(target))
    await expect.poll(() => seats.asked.length).toBe(1)
    seats.asked[0]?.()
    await connection.closed
    expect(lines.join('')).toContain('a handshake failed')
    await stop()
  })
})
