import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { manualClock } from '../src/base/clock.ts'
import { connected } from './support/limits.ts'
import { type OpenSeats, openSeats, userOf } from './support/seats.ts'

const { redis } = inject('servers')
const open: OpenSeats[] = []
let installation: string
let live: string[]

beforeEach(() => {
  installation = randomUUID()
  live = []
})
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** One process of the installation, which counts in Redis however busy this machine is. */
async function seatsOf(more: Partial<Parameters<typeof openSeats>[0]> = {}): Promise<OpenSeats> {
  const one = openSeats({ redis, installation, live, patient: true, ...more })
  open.push(one)
  await connected(one.redis)
  return one
}

/** What Redis has of a node, over all keys of the installation: a count a key, in any order. */
async function toldBy({ redis: client, nodeId }: OpenSeats): Promise<number[]> {
  const keys = await client.keys(`onceline-${installation}:seats:[un]*`)
  const fields = await Promise.all(keys.map((key) => client.hget(key, nodeId)))
  return fields.flatMap((field) => (field === null ? [] : [Number(field.split(':')[0])])).toSorted()
}

describe('the seats', () => {
  it('of a user are so many over all processes, and free again when a socket is gone', async () => {
    const [a, b] = [await seatsOf(), await seatsOf()]
    expect(await a.takes('u-1', null, 2)).toEqual(['taken', 'taken'])
    expect(await b.takes('u-1', null, 2)).toEqual(['taken', 'user_full'])
    expect(await a.takes('u-1', null, 1)).toEqual(['user_full'])
    expect(await b.takes('u-2', null, 1)).toEqual(['taken'])
    a.seats.free(userOf('u-1'), null)
    await expect.poll(async () => (await b.takes('u-1', null, 1))[0]).toBe('taken')
  })

  it('of a network are so many over all processes and users', async () => {
    const [a, b] = [await seatsOf(), await seatsOf()]
    for (const [one, user] of [
      [a, 'u-1'],
      [b, 'u-2'],
      [a, 'u-3'],
      [b, 'u-4'],
      [a, 'u-5'],
    ] as const)
      expect(await one.takes(user, '10.0.0.1', 1)).toEqual(['taken'])
    expect(await b.takes('u-6', '10.0.0.1', 1)).toEqual(['network_full'])
    expect(await b.takes('u-6', '10.0.0.2', 1)).toEqual(['taken'])
    expect(await b.takes('u-6', null, 1)).toEqual(['taken'])
  })

  it('are taken both or neither: whom his network refuses has no seat of his own less', async () => {
    const [a, b] = [await seatsOf(), await seatsOf()]
    for (let index = 0; index < 5; index += 1) await a.takes(`u-${index}`, '10.0.0.1', 1)
    for (let times = 0; times < 5; times += 1)
      expect(await b.takes('u-9', '10.0.0.1', 1)).toEqual(['network_full'])
    expect(await b.takes('u-9', '10.0.0.2', 3)).toEqual(['taken', 'taken', 'taken'])
    await expect.poll(() => toldBy(b)).toEqual([3, 3])
  })

  it('let no one past the limit who come at once, to any process', async () => {
    const all = [await seatsOf(), await seatsOf(), await seatsOf()]
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        (all[index % 3] as OpenSeats).seats.take(userOf(`u-${index}`), '10.0.0.1'),
      ),
    )
    const taken = verdicts.filter((verdict) => verdict === 'taken').length
    expect(taken).toBeLessThanOrEqual(5)
    expect(taken).toBeGreaterThan(0)
    // Nothing is left of those who were refused: the rest of the seats can be had.
    await expect
      .poll(async () => (await Promise.all(all.map(toldBy))).flat().reduce((sum, one) => sum + one, 0))
      .toBe(taken * 2)
    const more = await (all[0] as OpenSeats).takes('u-late', '10.0.0.1', 1)
    expect(more).toEqual([taken < 5 ? 'taken' : 'network_full'])
  })

  it('do not lock a driver out: his newest socket closes the others', async () => {
    const a = await seatsOf()
    for (let count = 0; count < 4; count += 1)
      expect(await a.seats.take(userOf('d-1', 'driver'), null)).toBe('taken')
    for (let count = 0; count < 5; count += 1)
      expect(await a.seats.take(userOf('d-1', 'driver'), '10.0.0.1')).toBe('taken')
    expect(await a.seats.take(userOf('d-1', 'driver'), '10.0.0.1')).toBe('network_full')
    for (let count = 0; count < 5; count += 1) a.seats.free(userOf('d-1', 'driver'), '10.0.0.1')
    await expect.poll(() => toldBy(a)).toEqual([])
  })

  it('of a network are any number where that is off', async () => {
    const a = await seatsOf({ rules: { perNetwork: null } })
    for (let index = 0; index < 20; index += 1)
      expect(await a.takes(`u-${index}`, '10.0.0.1', 1)).toEqual(['taken'])
  })

  it('are not asked for in Redis where this process alone has all that is allowed', async () => {
    const a = await seatsOf()
    await a.takes('u-1', null, 5)
    expect(await a.decisions()).toEqual({ 'taken redis': 3, 'user_full here': 2 })
  })

  it('name users and networks by a hash only, with an end', async () => {
    const a = await seatsOf()
    await a.takes('user-1', '10.0.0.1', 1)
    const keys = await a.redis.keys('*')
    const ours = keys.filter((key) => key.startsWith(`onceline-${installation}:`)).toSorted()
    expect(ours.map((key) => key.replace(/[A-Za-z0-9_-]{22}$/, '…'))).toEqual([
      `onceline-${installation}:seats:network:…`,
      `onceline-${installation}:seats:user:…`,
    ])
    for (const key of ours) expect(await a.redis.pttl(key)).toBeGreaterThan(3_500_000)
  })
})

describe('the seats of a process that died', () => {
  it('are free when it is known to be dead, and those of one that is not known yet are not forgotten', async () => {
    const [a, b] = [await seatsOf(), await seatsOf()]
    await b.takes('u-1', null, 3)
    expect(await a.takes('u-1', null, 1)).toEqual(['user_full'])
    live.splice(live.indexOf(b.nodeId), 1)
    expect(await a.takes('u-1', null, 1)).toEqual(['taken'])
    // It was only not known yet: its seats count again without a word of its own.
    live.push(b.nodeId)
    expect(await a.takes('u-1', null, 1)).toEqual(['user_full'])
  })

  it('are taken out of Redis after a while', async () => {
    const [a, b] = [await seatsOf(), await seatsOf()]
    await b.takes('u-1', null, 1)
    live.splice(live.indexOf(b.nodeId), 1)
    const [key = ''] = await a.redis.keys(`onceline-${installation}:seats:user:*`)
    const [now] = await a.redis.time()
    await a.redis.hset(key, b.nodeId, `1:${Number(now) - 61}`)
    await a.takes('u-1', null, 1)
    expect(await a.redis.hkeys(key)).toEqual([a.nodeId])
  })
})

describe('what Redis lost', () => {
  it('is told again by each process, when it looks', async () => {
    const [a, b] = [await seatsOf(), await seatsOf()]
    await a.seats.look()
    await a.takes('u-1', '10.0.0.1', 2)
    await a.takes('u-2', '10.0.0.1', 1)
    // As FLUSHALL would, but of this installation alone.
    await a.redis.del(await a.redis.keys(`onceline-${installation}:*`))
    await a.seats.look()
    await expect.poll(() => toldBy(a)).toEqual([1, 2, 3])
    expect(await b.takes('u-1', '10.0.0.1', 2)).toEqual(['taken', 'user_full'])
  })

  it('by its age is told again long before', async () => {
    const clock = manualClock(0)
    const a = await seatsOf({ clock })
    await a.seats.look()
    await a.takes('u-1', null, 1)
    const [key = ''] = await a.redis.keys(`onceline-${installation}:seats:user:*`)
    await a.redis.pexpire(key, 900_000)
    await a.seats.look()
    expect(await a.redis.pttl(key)).toBeLessThanOrEqual(900_000)
    clock.advance(900_000)
    await a.seats.look()
    await expect.poll(() => a.redis.pttl(key)).toBeGreaterThan(3_500_000)
  })
})
