import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { listen } from '../../src/http.ts'
import { EVENT, message, type Running } from './contender.ts'

/** What the library costs by itself: no token is looked at, and a message is turned into text once. */
export async function startBare(): Promise<Running> {
  const http = createServer()
  const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 16 * 1_024 })
  server.on('connection', (socket) => socket.on('error', () => undefined))
  let sequence = 0
  const toAll = (count: number, padding?: number) => {
    for (let n = 0; n < count; n += 1) {
      sequence += 1
      const text = JSON.stringify({ event: EVENT, data: message(sequence, padding) })
      for (const socket of server.clients) socket.send(text)
    }
  }
  return {
    port: await listen(http, 0, '127.0.0.1'),
    toAll,
    toEach: knowsNoUsers,
    toEachOnce: knowsNoUsers,
  }
}

function knowsNoUsers(): Promise<never> {
  return Promise.reject(new Error('a bare loop knows no users'))
}
