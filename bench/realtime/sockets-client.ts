import { setTimeout as pause } from 'node:timers/promises'
import { serve } from '../child.ts'
import { type Latencies, summarise } from '../statistics.ts'
import type { Dialect } from './frame-socket.ts'
import { greeted, type OpenOrder, type PaymentNote, Sockets } from './sockets.ts'
import { addressOf, signToken, userIdOf } from './tokens.ts'

/** Handshakes one after the other in some lanes, each with a user and an address of its own. */
export interface StormOrder {
  readonly ports: readonly number[]
  readonly dialect: Dialect
  readonly secret: string
  readonly seconds: number
  readonly inFlight: number
  /** How many users take turns; their tokens are signed before the clock starts. */
  readonly users: number
}

export interface StormReport extends Latencies {
  readonly handshakes: number
  readonly seconds: number
}

export interface SocketsReport {
  readonly received: number
  /** Close codes of sockets that the server closed, and how many. */
  readonly closed: Readonly<Record<string, number>>
}

const sockets = new Sockets()
let tokens: readonly string[] = []

serve({
  control: () => sockets.openControl(),
  open: async (order: OpenOrder): Promise<null> => {
    await sockets.open(order)
    return null
  },
  report: (): SocketsReport => ({
    received: sockets.received,
    closed: Object.fromEntries(sockets.closed),
  }),
  /** Those that came since it was asked the last time. */
  payments: (): readonly PaymentNote[] => sockets.payments.splice(0),
  close: async (): Promise<null> => {
    sockets.close()
    await pause(200)
    return null
  },
  storm,
})

/** A handshake lasts from the connect until the greeting; then the socket says goodbye, and its lane goes on at once. */
async function storm(order: StormOrder): Promise<StormReport> {
  if (tokens.length !== order.users)
    tokens = Array.from({ length: order.users }, (_, index) => signToken(order.secret, userIdOf(index)))
  const latenciesMs: number[] = []
  const startMs = performance.now()
  const endMs = startMs + order.seconds * 1_000
  let next = 0
  const lane = async () => {
    for (;;) {
      const fromMs = performance.now()
      if (fromMs >= endMs) return
      const index = next
      next += 1
      const socket = await greeted(
        {
          port: order.ports[index % order.ports.length] ?? 0,
          dialect: order.dialect,
          token: tokens[index % tokens.length] ?? '',
          localAddress: addressOf(index % order.users),
        },
        { onMessages: () => undefined },
        () => undefined,
      )
      latenciesMs.push(performance.now() - fromMs)
      socket.close()
    }
  }
  await Promise.all(Array.from({ length: order.inFlight }, lane))
  const seconds = (performance.now() - startMs) / 1_000
  return { handshakes: latenciesMs.length, seconds, ...summarise(latenciesMs) }
}
