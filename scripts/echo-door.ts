// A server that echoes what it is sent, behind the door of the real one, for suites that know no other server (docs/testing.md):
//   node scripts/echo-door.ts [port]
import { createServer } from 'node:http'
import { Hono } from 'hono'
import { Registry } from 'prom-client'
import { AddressRanges } from '../src/base/addresses.ts'
import { systemClock } from '../src/base/clock.ts'
import { createLogger } from '../src/base/log.ts'
import { createSampler } from '../src/base/sampler.ts'
import { createHttpServer } from '../src/http.ts'
import { Door } from '../src/realtime/door.ts'
import { createRealtimeMetrics } from '../src/realtime/metrics.ts'
import { originRule } from '../src/realtime/origins.ts'
import { tokenRules } from '../src/realtime/token.ts'
import { signToken } from '../test/support/tokens.ts'

void createServer
const SECRET = 'the-suite-has-no-token-so-this-is-no-secret'
const port = Number(process.argv[2] ?? 9001)
const metrics = createRealtimeMetrics(new Registry())
const log = createLogger({ level: 'warn' })
const door = new Door({
  admission: {
    tokens: tokenRules([SECRET], systemClock),
    desk: null as never,
    allowsOrigin: originRule(['*']),
    trustedProxies: new AddressRanges([]),
    limits: { take: async () => ({ allowed: true }) as never },
    seats: { take: async () => 'taken', free: () => undefined },
    metrics,
    isClosed: () => false,
  },
  metrics,
  log,
  refusals: createSampler({ perSecond: 1, burst: 5 }),
  onOpen: (ws) => {
    ws.on('error', () => undefined)
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }))
  },
})
const server = createHttpServer(new Hono())
server.on('upgrade', (request) => {
  request.headers.authorization = `Bearer ${signToken({ secret: SECRET })}`
  request.url = '/'
})
door.attach(server)
server.listen(port, '127.0.0.1', () => console.log(`echo on ${port}`))
