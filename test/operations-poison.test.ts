import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import type { Operation } from '../src/idempotency/operation.ts'
import { MAX_SILENT_OWNERS } from '../src/idempotency/operation-store.ts'
import { charge, chargeOperation } from './support/charge.ts'
import { useCharging } from './support/charging.ts'
import { effectsAt } from './support/once-app.ts'
import { codeBlocks } from './support/shell-lines.ts'
import { letLeasePass, openSite, type Site, unfinished } from './support/sites.ts'

const sites = useCharging('operations-poison')
/** The first of them claimed the work. */
const OWNERS = MAX_SILENT_OWNERS

it('whose owners die one after the other is set aside after five, with an alarm, and stays in flight', async () => {
  const key = randomUUID()
  await dieOver(key, (site) => charge(site.door, key))
  for (let owner = 2; owner <= OWNERS; owner += 1) {
    expect(await aside()).toEqual([null])
    await letLeasePass(sites.database.pool, key, 30)
    await dieOver(key, (site) => site.completer.runOnce())
  }
  await letLeasePass(sites.database.pool, key, 30)
  expect(await sites.here.completer.runOnce()).toBe(0)
  expect(await aside()).toEqual([expect.any(Date)])
  expect(alarmsOf(sites.here)).toMatchObject([{ operation: 'charge', phase: 'start', owners: OWNERS }])
  expect(await charge(sites.there.door, key), 'a caller who asks again does not begin anew').toEqual({
    kind: 'in_flight',
  })
  expect(await sites.there.completer.runOnce()).toBe(0)
  expect(sites.provider.calls).toEqual([])

  await letGoOn(String(alarmsOf(sites.here)[0]?.id))
  expect(await sites.there.completer.runOnce()).toBe(1)
  expect(await charge(sites.here.door, key)).toMatchObject({ kind: 'replayed', answer: { status: 201 } })
})

it('is set aside as well when those who ask again take it over', async () => {
  const key = randomUUID()
  for (let owner = 1; owner <= OWNERS; owner += 1) {
    await dieOver(key, (site) => charge(site.door, key))
    await letLeasePass(sites.database.pool, key, 30)
  }
  expect(await charge(sites.here.door, key)).toEqual({ kind: 'in_flight' })
  expect(await aside()).toEqual([expect.any(Date)])
  expect(alarmsOf(sites.here)).toHaveLength(2)
})

it('an owner that says something starts the count anew', async () => {
  const key = randomUUID()
  const waits: Operation = { name: 'charge', step: async () => ({ kind: 'later', seconds: 0 }) }
  for (let owner = 1; owner <= 2 * OWNERS; owner += 1) {
    if (owner % 3 !== 0) await dieOver(key, (site) => charge(site.door, key))
    else await withSite([waits], (site) => charge(site.door, key))
    await letLeasePass(sites.database.pool, key, 30)
  }
  expect(await charge(sites.here.door, key)).toMatchObject({ kind: 'replayed' })
})

it('takes nobody along: a suspect is driven when all others are done, and alone', async () => {
  const [poison, suspect, healthy] = [randomUUID(), randomUUID(), randomUUID()]
  const places: readonly string[] = [poison, suspect, healthy]
  for (const key of [poison, suspect]) {
    await dieOver(key, (site) => charge(site.door, key))
    await letLeasePass(sites.database.pool, key, 60)
    await dieOver(key, (site) => charge(site.door, key))
    await letLeasePass(sites.database.pool, key, 60)
  }
  await dieOver(healthy, (site) => charge(site.door, healthy))
  await letLeasePass(sites.database.pool, healthy, 60)
  const order: string[] = []
  const inHand = new Set<string>()
  const watching = chargeOperation(sites.provider.url)
  const step: Operation['step'] = async (context) => {
    const { place } = context.input as { place: string }
    inHand.add(place)
    order.push(`${places.indexOf(place)} of ${inHand.size}`)
    return watching.step(context).finally(() => inHand.delete(place))
  }
  await withSite([{ name: 'charge', step }], async (site) => {
    expect(await site.completer.runOnce()).toBe(2)
    expect(await site.completer.runOnce()).toBe(1)
  })
  expect(order).toEqual(['2 of 1', '2 of 1', '0 of 1', '0 of 1', '1 of 1', '1 of 1'])
})

it('a turn waits for all that it took over, though one of them cannot even be put off', async () => {
  const [stuck, slow] = [randomUUID(), randomUUID()]
  for (const key of [stuck, slow]) {
    await dieOver(key, (site) => charge(site.door, key))
    await letLeasePass(sites.database.pool, key, 60)
  }
  const holder = await sites.database.pool.getConnection()
  const gate = Promise.withResolvers<void>()
  const step: Operation['step'] = async ({ id, input }) => {
    if ((input as { place: string }).place === slow) await gate.promise
    else {
      await holder.beginTransaction()
      await holder.query('SELECT id FROM idempotency_operations WHERE id = ? FOR UPDATE', [id])
    }
    return { kind: 'later', seconds: 60 }
  }
  await withSite([{ name: 'charge', step }], async (site) => {
    let isOver = false
    const turn = site.completer.runOnce().finally(() => {
      isOver = true
    })
    const isLeft = () => site.lines.some(({ msg }) => String(msg).startsWith('an operation was left'))
    await expect.poll(() => isLeft() || isOver, { timeout: 15_000 }).toBe(true)
    expect(isOver).toBe(false)
    gate.resolve()
    expect(await turn).toBe(2)
  })
  await holder.rollback()
  holder.release()
  expect((await unfinished(sites.database.pool)).map(({ attempts }) => attempts)).toEqual([0, 0])
})

it('that turns in a circle is set aside, and commits no more', async () => {
  let steps = 0
  const circle: Operation = {
    name: 'charge',
    step: async ({ phase }) => {
      steps += 1
      return { kind: 'advance', phase: phase === 'there' ? 'back' : 'there' }
    },
  }
  const key = randomUUID()
  await withSite([circle], async (site) => {
    expect(await charge(site.door, key)).toEqual({ kind: 'in_flight' })
    expect(steps).toBe(200)
    expect(alarmsOf(site)).toMatchObject([{ phases: 200 }])
    await letLeasePass(sites.database.pool, key, 60)
    expect(await site.completer.runOnce()).toBe(0)
    expect(steps).toBe(200)
  })
  expect(await unfinished(sites.database.pool)).toMatchObject([{ last_error: '200 phases, and no end' }])
  expect(await effectsAt(sites.database.pool, key)).toEqual([])
})

/** An owner begins, and is gone in the middle of the step: nothing more is heard of it. */
async function dieOver(key: string, begin: (site: Site) => Promise<unknown>): Promise<void> {
  const stepping = Promise.withResolvers<void>()
  const step = (): Promise<never> => {
    stepping.resolve()
    return new Promise(() => undefined)
  }
  const dying = openSite(sites.database.address, [{ name: 'charge', step }], { waitMs: 10_000 })
  void begin(dying).catch(() => undefined)
  await stepping.promise
  await dying.pool.end()
  expect(await effectsAt(sites.database.pool, key)).toEqual([])
}

async function withSite(
  operations: readonly Operation[],
  work: (site: Site) => Promise<unknown>,
): Promise<void> {
  const site = openSite(sites.database.address, operations)
  await work(site)
  await site.pool.end()
}

function alarmsOf(site: Site): Record<string, unknown>[] {
  return site.lines.filter(({ msg }) => String(msg).startsWith('ALARM: an operation was set aside'))
}

async function aside(): Promise<(Date | null)[]> {
  const [rows] = await sites.database.pool.query<RowDataPacket[]>(
    'SELECT set_aside_at FROM idempotency_operations',
  )
  return rows.map(({ set_aside_at }) => set_aside_at)
}

/** With the runbook's own statements, for the id that the alarm named. */
async function letGoOn(id: string): Promise<void> {
  const runbook = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8')
  const [sql = ''] = codeBlocks(runbook, 'sql').filter((block) => block.includes('set_aside_at'))
  const [look = '', letGo = ''] = sql.split(';')
  const [rows] = await sites.database.pool.query<RowDataPacket[]>(look)
  expect(rows).toMatchObject([
    { operation: 'charge', last_error: `${OWNERS} owners were gone without a word` },
  ])
  await sites.database.pool.query(letGo.replace('<id of the log line>', id))
}
