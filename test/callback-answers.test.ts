import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { idToText } from '../src/base/ids.ts'
import { CallbackSettler } from '../src/laravel/callback-settlement.ts'
import { lockTrip } from '../src/matching/trips/trip-reader.ts'
import { CallbackStage, WAIT } from './support/callbacks.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { postInternal } from './support/internal-api.ts'
import type { LaravelAnswer } from './support/laravel.ts'
import { makeDue, outboxHands } from './support/outbox.ts'
import { inTx, offer, tripBody, tripRow } from './support/trips.ts'

let database: TestDatabase
let stage: CallbackStage

beforeAll(async () => {
  database = await testDatabase('callback-answers')
  stage = await CallbackStage.open(database, {}, { logLevel: 'trace' })
})
afterAll(async () => {
  await stage?.close()
  await database?.drop()
})

const OTP = '918273'
const driver = { name: 'Amal Fathy', vehicle: { colour: 'white' }, plate: 'ق ص ١٢٣' }
const json = (value: unknown, type = 'application/json; charset=utf-8'): LaravelAnswer => ({
  status: 200,
  headers: { 'content-type': type },
  body: typeof value === 'string' ? value : JSON.stringify(value),
})

/** A trip that a driver accepts; resolves when it is committed. */
async function accepted() {
  const [customerId, driverId] = [randomUUID(), randomUUID()]
  const { json: trip } = await postInternal(stage.app, '/internal/trips', tripBody({ customerId }))
  const offerId = idToText(await offer(database.pool, trip.id, driverId))
  await postInternal(stage.app, `/internal/trips/${trip.id}/accept`, { driverId, offerId })
  return { id: trip.id as string, customerId, driverId }
}

async function query(sql: string, ...values: unknown[]): Promise<RowDataPacket[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(sql, values)
  return rows
}

async function callbackOf(tripId: string): Promise<RowDataPacket> {
  const [row] = await query("SELECT * FROM outbox WHERE ordering_key = ? AND event = 'ride.accepted'", tripId)
  return row ?? expect.fail('nothing was called back')
}

const untilDone = (tripId: string) =>
  expect.poll(async () => (await callbackOf(tripId)).state, WAIT).toBe('done')

/** What the rider was told of his driver after the acceptance itself. */
async function toldBeside(customerId: string) {
  const rows = await query(
    "SELECT data FROM feed_messages WHERE user_id = ? AND event = 'ride:driver_details' ORDER BY seq",
    customerId,
  )
  return rows.slice(1).map(({ data }) => JSON.parse(data))
}

async function counted(): Promise<Record<string, number>> {
  const lines = await stage.app.metrics('onceline_callback_answers_total{')
  return Object.fromEntries(
    lines
      .map((line) => /outcome="(.+)"} (\d+)/.exec(line)?.slice(1) ?? [])
      .map(([outcome, count]) => [outcome, Number(count)]),
  )
}

describe("Laravel's answer to an acceptance", () => {
  it('tells the rider who drives and the code that counts from now on, and no log has it', async () => {
    stage.laravel.answer = () => json({ otp: OTP, driver, more: 1 })
    const { id, customerId, driverId } = await accepted()
    await untilDone(id)
    expect(await toldBeside(customerId)).toEqual([{ rideId: id, driverId, otp: OTP, driver }])
    expect((await tripRow(database.pool, id)).otp).toBe(OTP)
    expect(
      await query('SELECT 1 FROM feed_messages WHERE user_id = ? AND data LIKE ?', driverId, `%${OTP}%`),
    ).toEqual([])
    await expect.poll(() => stage.app.lines.join('')).toContain('callback sent')
    const text = stage.app.lines.join('')
    expect(text).not.toContain(OTP)
    expect(text).not.toContain('Amal')
  })

  it('without a code leaves the one that he has, and says it again', async () => {
    stage.laravel.answer = () => json({ driver })
    const { id, customerId } = await accepted()
    await untilDone(id)
    const { otp } = await tripRow(database.pool, id)
    expect(otp).toMatch(/^\d{4}$/)
    expect(await toldBeside(customerId)).toMatchObject([{ otp, driver }])
  })

  it.each<[string, LaravelAnswer]>([
    ['is no JSON', json('{"otp": ')],
    ['is of another type', json({ otp: OTP }, 'text/html')],
    ['is too long', json({ driver: { name: 'x'.repeat(16 * 1_024) } })],
    ['is endless', json(`{"otp":"${OTP}"}${' '.repeat(200_000)}`)],
    ['has no such code', json({ otp: 'a code with blanks', driver })],
    ['is deep', json(`{"driver":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`)],
    ['breaks off', { ...json(`{"otp":"${OTP}"}`), ending: 'cut' }],
  ])('that %s is ignored and counted, and the callback is done', async (_, answer) => {
    const { ignored = 0 } = await counted()
    stage.laravel.answer = () => answer
    const { id, customerId } = await accepted()
    await untilDone(id)
    expect(await toldBeside(customerId)).toEqual([])
    expect((await counted()).ignored).toBe(ignored + 1)
    expect((await callbackOf(id)).attempts).toBe(1)
  })

  it.each([['{"ok":true}'], ['[]'], ['{"driver":[],"otp":""}'], ['']])(
    'that says nothing tells nobody: %s',
    async (text) => {
      const before = await counted()
      stage.laravel.answer = () => json(text)
      const { id, customerId } = await accepted()
      await untilDone(id)
      expect(await toldBeside(customerId)).toEqual([])
      expect(await counted()).toEqual(before)
    },
  )

  it('that cannot be written is left, and the callback is done', async () => {
    const { failed = 0 } = await counted()
    await query('UPDATE trip_requests SET otp = NULL')
    await query('ALTER TABLE trip_requests MODIFY otp VARCHAR(4) NULL')
    stage.laravel.answer = () => json({ otp: OTP, driver })
    const { id, customerId } = await accepted()
    await untilDone(id)
    await query('ALTER TABLE trip_requests MODIFY otp VARCHAR(191) NULL')
    expect(await toldBeside(customerId)).toEqual([])
    expect((await counted()).failed).toBe(failed + 1)
    expect(stage.app.lines.join('')).not.toContain(OTP)
  })

  it.each([
    ['was given to another', { driver_id: 'another' }],
    ['was released', { driver_id: null, current_status: 'pending' }],
    ['is over', { current_status: 'cancelled' }],
  ])('tells nobody where the trip %s meanwhile', async (_, row) => {
    const { too_late = 0 } = await counted()
    stage.laravel.answer = async ({ body }) => {
      await query('UPDATE trip_requests SET ? WHERE id = ?', row, body.orderingKey)
      return json({ otp: OTP, driver })
    }
    const { id, customerId } = await accepted()
    await untilDone(id)
    expect(await toldBeside(customerId)).toEqual([])
    expect((await tripRow(database.pool, id)).otp).not.toBe(OTP)
    await expect.poll(async () => (await counted()).too_late, WAIT).toBe(too_late + 1)
  })
})

describe('an answer that comes again', () => {
  const settlerOf = (pushes: unknown[]) =>
    new CallbackSettler({
      pool: database.pool,
      log: { error: () => expect.fail('nothing fails') } as never,
      publish: async (told) => pushes.push(...told),
      onAnswer: () => undefined,
    })
  const answer = {
    ...({ kind: 'answered', status: 200, retryAfter: null, message: null } as const),
    body: { type: 'application/json', text: JSON.stringify({ driver }), isWhole: true },
  }
  const done = { kind: 'done', status: 200 } as const

  /** An acceptance whose callback waits for us. */
  async function waiting() {
    stage.laravel.answer = () => ({ status: 503, headers: { 'retry-after': '3000' } })
    const trip = await accepted()
    await expect.poll(async () => (await callbackOf(trip.id)).response_status, WAIT).toBe(503)
    const { id } = await callbackOf(trip.id)
    const hands = outboxHands(database.pool)
    const claim = async () => {
      await query('UPDATE outbox SET claimable_at = NULL WHERE id = ?', id)
      return hands.claimOne(id)
    }
    return { ...trip, callbackId: id as Buffer, claim }
  }

  it('tells nobody twice: whoever came late with it has the message no more', async () => {
    const { customerId, claim } = await waiting()
    const pushes: unknown[] = []
    const settler = settlerOf(pushes)
    const [first, second] = [await claim(), await claim()]
    const settled = await Promise.all([first, second, second].map((one) => settler.settle(one, done, answer)))
    expect(settled.filter(({ isOurs }) => isOurs)).toHaveLength(1)
    expect(await toldBeside(customerId)).toHaveLength(1)
    expect(pushes).toHaveLength(1)
  })

  it('after a crash between the answer and its commit tells him once', async () => {
    const { id, customerId, callbackId, claim } = await waiting()
    const first = await claim()
    // The trip is locked elsewhere; meanwhile whoever has the answer loses its connection and with it all that it wrote.
    const settling = await inTx(database.pool, async (connection) => {
      await lockTrip(connection, id)
      const settled = settlerOf([]).settle(first, done, answer)
      settled.catch(() => undefined)
      const waits = async () =>
        (await query('SHOW FULL PROCESSLIST')).find(
          ({ db, Info }) =>
            db === database.address.database && /FROM trip_requests.*FOR UPDATE/s.test(Info ?? ''),
        )?.Id
      await expect.poll(waits, WAIT).toBeDefined()
      await query(`KILL ${await waits()}`)
      return settled.then(
        () => 'settled',
        (error: unknown) => error,
      )
    })
    expect(settling).toMatchObject({ message: 'the database is away or busy' })
    expect((await callbackOf(id)).state).toBe('sending')
    expect(await toldBeside(customerId)).toEqual([])
    stage.laravel.answer = () => json({ driver })
    await makeDue(database.pool, callbackId)
    await untilDone(id)
    expect(await toldBeside(customerId)).toHaveLength(1)
  })
})
