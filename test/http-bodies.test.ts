import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { chunked, headOf, RawConnection, requestOf } from './support/raw-http.ts'

const MIB = 1024 * 1024

let database: TestDatabase
let door: TestApp

beforeAll(async () => {
  database = await testDatabase('http-bodies')
  door = await openApp(database, { working: false })
})
afterAll(async () => {
  await door?.stop()
  await database?.drop()
})

let lastRef = 0
function delivery(shape: { bodyBytes?: number } = {}) {
  lastRef += 1
  return door.delivery('stripe', { merchantRef: `trip-${lastRef}`, ...shape })
}

async function refusals(code: string): Promise<number> {
  const name = `onceline_webhook_deliveries_total{gateway="stripe",verdict="${code}"}`
  const [line] = await door.metrics(name)
  return Number(line?.split(' ')[1] ?? 0)
}

/** The door still opens, for somebody else. */
async function expectWell(): Promise<void> {
  expect((await door.post(delivery())).body).toMatchObject({ verdict: 'stored' })
}

describe('a body of 1 MiB', () => {
  it.each(['with its length', 'in chunks'])('is taken %s', async (how) => {
    const whole = delivery({ bodyBytes: MIB })
    expect(whole.body.length).toBe(MIB)
    const connection = await RawConnection.open(door.port)
    if (how === 'in chunks')
      connection.send(headOf(whole, 'transfer-encoding: chunked'), chunked(whole.body, 60_000))
    else connection.send(requestOf(whole))
    const answer = await connection.answer()
    connection.end()
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ verdict: 'stored' })
  })
})

describe('a body over 1 MiB', () => {
  it.each([
    ['announced, with nothing sent', MIB + 1, 0],
    ['announced and sent', MIB + 1, MIB + 1],
    ['announced, far over the limit', 40 * MIB, 8 * MIB],
  ])('%s, is refused, and its connection is closed', async (_, announced, sent) => {
    const before = await Promise.all([refusals('body_too_large'), countOf(database.pool, 'webhook_events')])
    const connection = await RawConnection.open(door.port)
    connection.send(headOf(delivery(), `content-length: ${announced}`), Buffer.alloc(sent, 'x'))
    await expectTooLarge(connection)
    expect(await refusals('body_too_large')).toBe(before[0] + 1)
    expect(await countOf(database.pool, 'webhook_events')).toBe(before[1])
    await expectWell()
  })

  it.each([
    ['by one byte', MIB + 1],
    ['by far', 8 * MIB],
  ])('in chunks, %s, is refused as soon as it is too much', async (_, bytes) => {
    const before = await countOf(database.pool, 'webhook_events')
    const connection = await RawConnection.open(door.port)
    // The end never comes: the answer must not wait for it.
    connection.send(
      headOf(delivery(), 'transfer-encoding: chunked'),
      chunked(Buffer.alloc(bytes, 'x'), 100_000, false),
    )
    await expectTooLarge(connection)
    expect(await countOf(database.pool, 'webhook_events')).toBe(before)
    await expectWell()
  })
})

async function expectTooLarge(connection: RawConnection): Promise<void> {
  const answer = await connection.answer()
  expect(answer).toMatchObject({
    status: 413,
    headers: { connection: 'close', 'content-type': 'application/problem+json' },
  })
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'body_too_large' })
  await connection.closed
}

describe('a body that does not come as it should', () => {
  it('is taken when it comes slowly, and holds up nobody', async () => {
    const slow = delivery()
    const connection = await RawConnection.open(door.port)
    connection.send(headOf(slow, `content-length: ${slow.body.length}`))
    for (const byte of slow.body.subarray(0, 5)) {
      connection.send(Buffer.from([byte]))
      await expectWell()
    }
    connection.send(slow.body.subarray(5))
    expect(await connection.answer()).toMatchObject({ status: 200 })
    connection.end()
  })

  it.each(['with its length', 'in chunks'])('is not taken when it breaks off, %s', async (how) => {
    const broken = delivery()
    const before = await Promise.all([refusals('body_incomplete'), countOf(database.pool, 'webhook_events')])
    const connection = await RawConnection.open(door.port)
    if (how === 'in chunks')
      connection.send(headOf(broken, 'transfer-encoding: chunked'), chunked(broken.body, 100, false))
    else connection.send(headOf(broken, `content-length: ${broken.body.length + 1}`), broken.body)
    await expectWell()
    connection.end()
    await expect.poll(() => refusals('body_incomplete')).toBe(before[0] + 1)
    expect(await countOf(database.pool, 'webhook_events')).toBe(before[1] + 1)
  })

  it('is not waited for longer than the limit', async () => {
    const impatient = await openApp(database, { working: false })
    const { server } = impatient.app
    expect([server.requestTimeout, server.headersTimeout]).toEqual([15_000, 10_000])
    server.requestTimeout = 300
    server.headersTimeout = 200
    const endless = delivery()
    const inBody = await RawConnection.open(impatient.port)
    inBody.send(headOf(endless, `content-length: ${endless.body.length}`), endless.body.subarray(1))
    const inHead = await RawConnection.open(impatient.port)
    inHead.send('POST /webhooks/stripe HTTP/1.1\r\nhost: a\r\n')
    for (const connection of [inBody, inHead]) {
      expect((await connection.answer()).status).toBe(408)
      await connection.closed
    }
    await impatient.stop()
  })

  it('is no request at all when its length is told in two ways', async () => {
    const smuggled = delivery()
    const before = await countOf(database.pool, 'webhook_events')
    for (const framing of [
      `content-length: ${smuggled.body.length}\r\ntransfer-encoding: chunked`,
      `content-length: ${smuggled.body.length}\r\ncontent-length: 3`,
      'content-length: -1',
      'transfer-encoding: gzip, identity',
    ]) {
      const connection = await RawConnection.open(door.port)
      connection.send(headOf(smuggled, framing), smuggled.body)
      expect((await connection.answer()).status).toBe(400)
      await connection.closed
    }
    expect(await countOf(database.pool, 'webhook_events')).toBe(before)
    await expectWell()
  })
})

describe('headers', () => {
  it('that come twice fail', async () => {
    const genuine = delivery()
    const connection = await RawConnection.open(door.port)
    const twice = `stripe-signature: ${genuine.headers['stripe-signature']}`
    connection.send(headOf(genuine, `content-length: ${genuine.body.length}`, [twice]), genuine.body)
    const answer = await connection.answer()
    connection.end()
    expect(answer.status).toBe(401)
  })

  it('that are too long are refused by the server itself', async () => {
    const genuine = delivery()
    const connection = await RawConnection.open(door.port)
    connection.send(headOf(genuine, 'content-length: 0', [`x-filler: ${'x'.repeat(20_000)}`]))
    expect((await connection.answer()).status).toBe(431)
    await connection.closed
  })

  it('with Expect: 100-continue are answered, and the body is taken then', async () => {
    const patient = delivery()
    const connection = await RawConnection.open(door.port)
    connection.send(headOf(patient, `content-length: ${patient.body.length}`, ['expect: 100-continue']))
    expect((await connection.answer()).status).toBe(100)
    connection.send(patient.body)
    expect((await connection.answer()).status).toBe(200)
    connection.end()
  })
})

it('one connection carries good and bad requests, sent at once, and answers them in order', async () => {
  const [first, second, third] = [delivery(), delivery(), delivery()]
  const forged = { ...delivery(), body: Buffer.from('{}') }
  const unknown = { ...delivery(), path: '/webhooks/unknown' }
  const connection = await RawConnection.open(door.port)
  connection.send(
    Buffer.concat([
      requestOf(first),
      requestOf(forged),
      Buffer.from('GET /webhooks/stripe HTTP/1.1\r\nhost: a\r\n\r\n'),
      requestOf(unknown),
      requestOf(second),
      requestOf(first),
      Buffer.from('GET /health HTTP/1.1\r\nhost: a\r\n\r\n'),
      requestOf(third),
    ]),
  )
  const statuses: string[] = []
  for (let index = 0; index < 8; index += 1) {
    const { status, body } = await connection.answer()
    const { verdict, code } = JSON.parse(body)
    statuses.push(`${status} ${verdict ?? code ?? ''}`.trim())
  }
  connection.end()
  expect(statuses).toEqual([
    '200 stored',
    '401 signature_invalid',
    '405 method_not_allowed',
    '404 gateway_unknown',
    '200 stored',
    '200 duplicate',
    '200',
    '200 stored',
  ])
})
