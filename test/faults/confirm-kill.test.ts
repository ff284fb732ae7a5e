import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import type { ConfirmCheckpoint } from '../../src/base/checkpoint.ts'
import { registerPayment } from '../../src/payments/register.ts'
import { buildDelivery, newSecret, type SampleDelivery } from '../../src/webhooks/gateways/samples/samples.ts'
import { countOf, expectBooksAgree, standingOf } from '../support/books.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { FakeGatewayApi } from '../support/gateway-apis.ts'
import { expected } from '../support/processing.ts'
import { ServerNode } from './server-node.ts'

/** Nobody waits a minute here. */
const LEASE_SECONDS = 2
const PAYMENTS = 5
const TIMEOUT_MS = 120_000
const SETTLE_TIMEOUT_MS = 30_000

const secret = newSecret('midtrans')
const nodes: ServerNode[] = []
/** What the status API says of a transaction: what was delivered. */
const transactions = new Map<string, unknown>()
let database: TestDatabase
let gateway: FakeGatewayApi

beforeAll(async () => {
  database = await testDatabase('confirm-kill')
  gateway = await new FakeGatewayApi().open()
  gateway.answer = (path) => ({ json: transactions.get(transactionOf(path)) ?? { status_code: '404' } })
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  await gateway?.close()
  await database?.drop()
})

/** `GET /v2/<transaction>/status` */
function transactionOf(path: string): string {
  return decodeURIComponent(path.split('/')[2] ?? '')
}

function load(): ServerNode {
  const node = new ServerNode()
  nodes.push(node)
  return node
}

function start(node: ServerNode): Promise<ServerNode> {
  return node.start({
    database: database.address,
    redis: database.redis,
    secrets: { midtrans: secret },
    settings: { midtrans: { API_URL: gateway.url, SERVER_KEY: 'the-key-of-the-api' } },
    asking: { leaseSeconds: LEASE_SECONDS },
  })
}

/** An expected payment, and the notification that it was captured. */
async function captured(): Promise<{ merchantRef: string; id: string; delivery: SampleDelivery }> {
  const payment = expected({ gateway: 'midtrans', currency: 'IDR' })
  await registerPayment(database.pool, payment, async () => undefined)
  const { merchantRef } = payment
  const id = randomUUID()
  const delivery = buildDelivery('midtrans', {
    kind: 'captured',
    merchantRef,
    operationRef: id,
    amountMinor: payment.amountMinor,
    currency: payment.currency,
    nowMs: Date.now(),
    secret,
  })
  transactions.set(id, JSON.parse(delivery.body.toString()))
  return { merchantRef, id, delivery }
}

/** As a gateway posts: again, to whoever is there, until it is acknowledged. */
async function post({ path, headers, body }: SampleDelivery, ports: () => readonly number[]): Promise<void> {
  await expect
    .poll(
      async () => {
        for (const port of ports().filter((one) => one !== 0)) {
          const url = `http://127.0.0.1:${port}${path}`
          const asked = fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
          const status = await asked.then((response) => response.status).catch(() => 0)
          if (status === 200) return status
        }
        return 0
      },
      { timeout: SETTLE_TIMEOUT_MS },
    )
    .toBe(200)
}

function askedAbout(id: string): number {
  return gateway.asked.filter(({ path }) => transactionOf(path) === id).length
}

describe('a process that is ended while it asks a gateway', () => {
  const places: readonly [ConfirmCheckpoint, number][] = [
    ['confirm:asking', 1],
    ['confirm:asking', 3],
    ['confirm:answered', 1],
    ['confirm:answered', 4],
    ['confirm:written', 1],
    ['confirm:written', 2],
  ]

  it.each(places)(
    'at %s, the %i. time: another one asks after the lease, and the money moves once',
    async (checkpoint, passing) => {
      gateway.asked.length = 0
      const spare = load()
      await spare.loaded()
      const victim = await start(load())
      const dead = victim.dieAt(checkpoint, passing, SETTLE_TIMEOUT_MS)
      const payments = await Promise.all(Array.from({ length: PAYMENTS }, captured))
      const posted = Promise.all(
        payments.map(({ delivery }) => post(delivery, () => [victim.port, spare.port])),
      )
      await dead
      const before = payments.map(({ id }) => askedAbout(id))
      await start(spare)
      await posted
      const standings = () =>
        Promise.all(payments.map(({ merchantRef }) => standingOf(database.pool, merchantRef)))
      await expect
        .poll(standings, { timeout: SETTLE_TIMEOUT_MS })
        .toEqual(payments.map(() => 'captured 10000 v1'))
      await expectBooksAgree(database.pool)
      const [[row]] = await database.pool.query<RowDataPacket[]>(
        "SELECT COUNT(*) AS open FROM webhook_events WHERE state <> 'processed'",
      )
      expect(Number(row?.open)).toBe(0)
      expect(await countOf(database.pool, 'webhook_events')).toBe(transactions.size)
      const after = payments.map(({ id }) => askedAbout(id))
      if (checkpoint === 'confirm:answered')
        expect(after.some((asked, index) => asked > (before[index] ?? 0))).toBe(true)
      for (const asked of after) expect(asked).toBeLessThanOrEqual(2)
      await spare.kill()
    },
    TIMEOUT_MS,
  )
})
