import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { trackSockets } from './http.ts'

let server: Server
let tracked: ReadonlySet<Socket>

beforeAll(async () => {
  server = createServer()
  tracked = trackSockets(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it('forgets sockets that are closed, and keeps those that are open', async () => {
  const stays = await open()
  for (let batch = 0; batch < 30; batch += 1) {
    const sockets = await Promise.all(Array.from({ length: 100 }, open))
    const closed = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }
  expect(tracked.size).toBeLessThan(2_048)
  const theirs = [...tracked].find(({ remotePort }) => remotePort === stays.localPort)
  expect(theirs?.destroyed).toBe(false)
  stays.destroy()
})

it('leaves the sockets without a listener of ours', async () => {
  const listeners = once(server, 'connection').then(([socket]) => (socket as Socket).listenerCount('close'))
  const plain = createServer().listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const plainListeners = once(plain, 'connection').then(([socket]) =>
    (socket as Socket).listenerCount('close'),
  )
  const sockets = [await open(), connect((plain.address() as AddressInfo).port, '127.0.0.1')]
  expect(await listeners).toBe(await plainListeners)
  for (const socket of sockets) socket.destroy()
  plain.close()
})

async function open(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
