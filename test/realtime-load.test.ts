import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { Service } from './support/service.ts'
import { JWT_SECRET, openSocket, refusedUpgrade, socketUrl } from './support/socket.ts'

let database: TestDatabase
let service: Service

beforeAll(async () => {
  database = await testDatabase('realtime-load')
  service = await Service.start(database.address, database.redis, { JWT_SECRET, NODE_ENV: 'test' })
})

afterAll(async () => {
  service?.signal('SIGCONT')
  service?.signal('SIGTERM')
  await service?.ended
  await database?.drop()
})

const STOP_MS = 3_000

it('refuses new connections while a process cannot keep up, and answers everything else', async () => {
  const url = `http://127.0.0.1:${service.port}`
  const before = await openSocket(url, 'rider-1')
  service.signal('SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, STOP_MS))
  // Both wait in the process's sockets: it looks at its timers first, and so at how late it is.
  const refused = refusedUpgrade(socketUrl(url, 'rider-2'))
  const health = fetch(`${url}/health`)
  service.signal('SIGCONT')
  const { status, headers, body } = await refused
  expect(status).toBe(503)
  expect(headers['retry-after']).toBe('5')
  expect(body.code).toBe('overloaded')
  expect((await health).status).toBe(200)
  expect(before.ws.readyState).toBe(WebSocket.OPEN)
  // A moment later it is calm again.
  await expect.poll(() => openSocket(url, 'rider-2').catch(() => null), { timeout: 20_000 }).not.toBeNull()
  await before.close()
})
