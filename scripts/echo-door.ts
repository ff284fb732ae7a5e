/**
 * A server that echoes what it is sent, behind the door of the real one with the real one's limits, for a conformance suite
 * that knows no other kind of server (docs/testing.md, "RFC 6455"): node scripts/echo-door.ts [port]
 */
import { Hono } from 'hono'
import { Registry } from 'prom-client'
import { AddressRanges } from '../src/base/addresses.ts'
import { systemClock } from '../src/base/clock.ts'
import { createLogger } from '../src/base/log.ts'
import { createSampler } from '../src/base/sampler.ts'
import { createHttpServer, listen } from '../src/http.ts'
import { Door } from '../src/realtime/door/door.ts'
import { originRule } from '../src/realtime/door/origins.ts'
import { tokenRules } from '../src/realtime/door/token.ts'
import { createRealtimeMetrics } from '../src/realtime/metrics.ts'
import { signToken } from '../test/support/tokens.ts'

/** The suite brings no token, so it is given one. */
const SECRET = 'no-secret-since-everybody-is-let-in'
const PORT = Number(process.argv[2] ?? 9001)

const metrics = createRealtimeMetrics(new Registry())
const door = new Door({
  admission: {
    tokens: tokenRules([SECRET], systemClock),
    desk: {
      redis: null as never,
      installation: '',
      clock: systemClock,
      metrics,
      onRedisError: () => undefined,
    },
    allowsOrigin: originRule(['*']),
    trustedProxies: new AddressRanges(['127.0.0.1']),
    limits: { take: () => Promise.reject(new Error('nobody is counted behind a trusted proxy')) },
    seats: { take: async () => 'taken', free: () => undefined },
    metrics,
    isClosed: () => false,
  },
  metrics,
  log: createLogger({ level: 'warn' }),
  refusals: createSampler({ perSecond: 1, burst: 5 }),
  onOpen: (ws) => {
    ws.on('error', () => undefined)
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }))
  },
})
const server = createHttpServer(new Hono())
server.on('upgrade', (request) => {
  request.headers.authorization = `Bearer ${signToken({ secret: SECRET })}`
})
door.attach(server)
process.stdout.write(`echoes at ws://127.0.0.1:${await listen(server, PORT, '127.0.0.1')}\n`)
