import { randomUUID } from 'node:crypto'
import { once as event } from 'node:events'
import { connect } from 'node:net'
import { beforeEach, expect, it } from 'vitest'
import { effectsAt } from './support/once-app.ts'
import { useOnceServer } from './support/once-server.ts'

const served = useOnceServer('idempotent-bodies')
let place: string

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
  const response = await served.app.request(`/effects/${place}`, init)
  const { code } = (await response.json()) as { readonly code?: string }
  return { status: response.status, code }
}

it('bytes that are no UTF-8 are no JSON: read leniently, different bytes would be one content', async () => {
  const order = (byte: number) => Buffer.from([...Buffer.from('{"content":"'), byte, ...Buffer.from('"}')])
  for (const byte of [0x80, 0xc3, 0xff])
    expect(await post(order(byte))).toEqual({ status: 400, code: 'malformed_body' })
  expect((await post(OTHER)).status, 'the key is free').toBe(201)
  expect(await effectsAt(served.database.pool, place)).toEqual(['b'])
})

it('a body that breaks off is refused, though it be JSON so far, and its key stays free', async () => {
  const broken = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from(ORDER)),
    pull: (controller) => controller.error(new Error('the sender is gone')),
  })
  expect(await post(broken)).toEqual({ status: 400, code: 'body_incomplete' })
  expect((await post(OTHER)).status).toBe(201)
  expect(await effectsAt(served.database.pool, place)).toEqual(['b'])
})

it('a connection that breaks off in the body executes nothing, and its key stays free', async () => {
  const closed = new Promise<void>((resolve) =>
    served.server.once('connection', (socket) => socket.once('close', () => resolve())),
  )
  const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
  await event(socket, 'connect')
  const head = ['host: x', `idempotency-key: ${place}`, `content-length: ${ORDER.length + 1}`].join('\r\n')
  const arrived = new Promise<void>((resolve) => served.server.once('request', () => resolve()))
  socket.write(`POST /effects/${place} HTTP/1.1\r\n${head}\r\n\r\n${ORDER}`)
  await arrived
  socket.destroy()
  await closed
  expect((await post(OTHER)).status).toBe(201)
  expect(await effectsAt(served.database.pool, place)).toEqual(['b'])
})
