import { createSecretKey } from 'node:crypto'
import { createServer } from 'node:http'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter'
import { Redis } from 'ioredis'
import { jwtVerify } from 'jose'
import { Server } from 'socket.io'
import { listen } from '../../src/http.ts'
import { EVENT, message, type Running, type ServerOrder } from './contender.ts'

const ALL = 'everybody'
/** Socket.IO's own example. */
const RECOVERY = { maxDisconnectionDuration: 2 * 60 * 1_000, skipMiddlewares: true }

/** Socket.IO as its documentation says: WebSocket alone, a token checked in the middleware, a room for each user. */
export async function startSocketIo(order: ServerOrder): Promise<Running> {
  const http = createServer()
  const io = new Server(http, {
    transports: ['websocket'],
    serveClient: false,
    ...(order.contender === 'io-streams' ? { connectionStateRecovery: RECOVERY } : {}),
    ...(await adapterOf(order)),
  })
  const key = createSecretKey(order.jwtSecret, 'utf8')
  io.use((socket, next) => {
    jwtVerify(String(socket.handshake.auth.token), key, { algorithms: ['HS256'] }).then(
      ({ payload }) => {
        socket.data.userId = payload.sub
        next()
      },
      (error: Error) => next(error),
    )
  })
  io.on('connection', (socket) => socket.join([`user:${socket.data.userId}`, ALL]))
  let sequence = 0
  const toAll = (count: number, padding?: number) => {
    for (let n = 0; n < count; n += 1) {
      sequence += 1
      io.to(ALL).emit(EVENT, message(sequence, padding))
    }
  }
  const toEach = async (userIds: readonly string[], padding?: number) => {
    for (const userId of userIds) {
      sequence += 1
      io.to(`user:${userId}`).emit(EVENT, message(sequence, padding))
    }
  }
  return { port: await listen(http, 0, '127.0.0.1'), toAll, toEach, toEachOnce: toEach }
}

async function adapterOf({ contender, redis }: ServerOrder) {
  if (contender === 'io') return {}
  const publisher = new Redis(redis.port, redis.host, { password: redis.password })
  if (contender === 'io-streams') return { adapter: createStreamsAdapter(publisher, { onlyPlaintext: true }) }
  const subscriber = publisher.duplicate()
  if (contender === 'io-pubsub') return { adapter: createAdapter(publisher, subscriber) }
  return { adapter: createShardedAdapter(publisher, subscriber) }
}
