import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLogger } from './base/log.ts'
import { createHttpApp, createHttpServer, listen, stopListening, trackSockets } from './http.ts'

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
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open()))
    const closed = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }
  expect(tracked.size).toBeLessThan(2_048)
  const theirs = [...tracked].find(({ remotePort }) => remotePort === stays.localPort)
  expect(theirs?.destroyed).toBe(false)
  stays.destroy()
})

it('forgets those of a spike although nobody connects any more', async () => {
  const quiet = createServer()
  const remembered = trackSockets(quiet, 20)
  quiet.listen(0, '127.0.0.1')
  await once(quiet, 'listening')
  const stays = await open(quiet)
  for (const socket of await Promise.all(Array.from({ length: 50 }, () => open(quiet)))) socket.destroy()
  await expect.poll(() => remembered.size, { timeout: 10_000 }).toBe(1)
  stays.destroy()
  quiet.close()
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

async function open(to: Server = server): Promise<Socket> {
  const socket = connect((to.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

it('does not wait for a socket that is being upgraded when the time to stop is over', async () => {
  const busy = createHttpServer(createHttpApp([], createLogger({ level: 'silent' })))
  const port = await listen(busy, 0, '127.0.0.1')
  const asked = once(busy, 'upgrade')
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await asked
  const gone = once(socket, 'close')
  await stopListening(busy, 50)
  await gone
})
