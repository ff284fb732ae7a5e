import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { serve } from './child.ts'

// The ceiling of what receives positions: ws, and JSON.parse of every message.

let received = 0

serve({
  /** Returns the port. */
  start: async (): Promise<number> => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
    server.on('connection', (socket) => {
      socket.on('message', (bytes: Buffer) => {
        const frame = JSON.parse(bytes.toString())
        if (frame.event === 'driver:location') received += 1
      })
    })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  received: () => received,
})
