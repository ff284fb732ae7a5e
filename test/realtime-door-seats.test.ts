import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { AddressRanges } from '../src/base/addresses.ts'
import { systemClock } from '../src/base/clock.ts'
import { createLogger } from '../src/base/log.ts'
import { createSampler } from '../src/base/sampler.ts'
import { listen, stopListening } from '../src/http.ts'
import type { SeatBook } from '../src/realtime/door/admission.ts'
import { Door } from '../src/realtime/door/door.ts'
import { originRule } from '../src/realtime/door/origins.ts'
import { tokenRules } from '../src/realtime/door/token.ts'
import { createRealtimeMetrics } from '../src/realtime/metrics.ts'
import { RawConnection } from './support/raw-http.ts'
import { outcomeOf, RawSocket, upgradeRequest } from './support/raw-socket.ts'
import { JWT_SECRET } from './support/socket.ts'
import { signToken } from './support/tokens.ts'

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
  const sockets: Duplex[] = []
  server.on('upgrade', (_, socket) => sockets.push(socket))
  door.attach(server)
  const port = await listen(server, 0, '127.0.0.1')
  return { port, lines, sockets, stop: () => stopListening(server, 1_000) }
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

  it('is free again when its connection is gone before he has it', async () => {
    const seats = new SlowSeats()
    const { port, sockets, stop } = await openDoor(seats)
    await RawSocket.begin(port, target)
    await expect.poll(() => seats.asked.length).toBe(1)
    sockets[0]?.destroy()
    seats.asked[0]?.()
    await expect.poll(() => seats.freed).toBe(1)
    await stop()
  })

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
