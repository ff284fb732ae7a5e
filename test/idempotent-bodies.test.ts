import { randomUUID } from 'node:crypto'
import { once as event } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import { createLogger } from '../src/base/log.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from '../src/http.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt, onceRoutes } from './support/once-app.ts'

let database: TestDatabase
let pools: Database
let app: ReturnType<typeof createHttpApp>
let server: ReturnType<typeof createHttpServer>
let port: number
let place: string

beforeAll(async () => {
  database = await testDatabase('idempotent-bodies')
  await createEffects(database.pool)
  pools = openDatabase(database.address, 1)
  app = createHttpApp([onceRoutes(pools.commands)], createLogger({ level: 'silent' }))
  server = createHttpServer(app)
  port = await listen(server, 0, '127.0.0.1')
})
afterAll(async () => {
  if (server) await stopListening(server, 1_000)
  await pools?.close()
  await database?.drop()
})
beforeEach(() => {
  place = randomUUID()
})

const ORDER = '{"content":"a"}'
/** Under the same key: 201 proves that the key is free, where the same content might be a replay. */
const OTHER = '{"content":"b"}'

async function post(body: NonNullable<RequestInit['body']>) {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    body,
    headers: { 'idempotency-key': place },
    duplex: 'half',
  }
  const response = await app.request(`/effects/${place}`, init)
  const { code } = (await response.json()) as { readonly code?: string }
  return { status: response.status, code }
}

it('bytes that are no UTF-8 are no JSON: read leniently, different bytes would be one content', async () => {
  const order = (byte: number) => Buffer.from([...Buffer.from('{"content":"'), byte, ...Buffer.from('"}')])
  for (const byte of [0x80, 0xc3, 0xff])
    expect(await post(order(byte))).toEqual({ status: 400, code: 'malformed_body' })
  expect((await post(OTHER)).status, 'the key is free').toBe(201)
  expect(await effectsAt(database.pool, place)).toEqual(['b'])
})

it('a body that breaks off is refused, though it be JSON so far, and its key stays free', async () => {
  const broken = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from(ORDER)),
    pull: (controller) => controller.error(new Error('the sender is gone')),
  })
  expect(await post(broken)).toEqual({ status: 400, code: 'body_incomplete' })
  expect((await post(OTHER)).status).toBe(201)
  expect(await effectsAt(database.pool, place)).toEqual(['b'])
})

it('a connection that breaks off in the body executes nothing, and its key stays free', async () => {
  const closed = new Promise<void>((resolve) =>
    server.once('connection', (socket) => socket.once('close', () => resolve())),
  )
  const socket = connect(port, '127.0.0.1')
  await event(socket, 'connect')
  const head = ['host: x', `idempotency-key: ${place}`, `content-length: ${ORDER.length + 1}`].join('\r\n')
  const arrived = new Promise<void>((resolve) => server.once('request', () => resolve()))
  socket.write(`POST /effects/${place} HTTP/1.1\r\n${head}\r\n\r\n${ORDER}`)
  await arrived
  socket.destroy()
  await closed
  expect((await post(OTHER)).status).toBe(201)
  expect(await effectsAt(database.pool, place)).toEqual(['b'])
})
