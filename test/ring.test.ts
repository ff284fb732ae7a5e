import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, inject, it } from 'vitest'
import { type Id, newId } from '../src/base/ids.ts'
import { IDS_PER_JOB, Ring, type RingOptions } from '../src/outbox/ring.ts'

const open: Ring[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((ring) => ring.close(1_000)))
})

function newRing(options: Partial<RingOptions> = {}): Ring {
  const ring = new Ring({
    redis: inject('servers').redis,
    name: 'webhook-events',
    installation: `ring_${randomBytes(4).toString('hex')}`,
    onError: () => undefined,
    ...options,
  })
  open.push(ring)
  return ring
}

async function connectedRing(options: Partial<RingOptions> = {}): Promise<Ring> {
  const ring = newRing(options)
  while ((await ring.depth()) === null) await pause(5)
  return ring
}

function mint(n: number): Id[] {
  return Array.from({ length: n }, newId)
}

/** Answers until so many ids have come; returns the jobs. */
function answerUntil(ring: Ring, expected: number): Promise<Id[][]> {
  const jobs: Id[][] = []
  return new Promise((resolve) => {
    ring.answer(async (ids) => {
      jobs.push([...ids])
      if (jobs.flat().length >= expected) resolve(jobs)
    }, 1)
  })
}

it('joins rings that come together into full jobs, and loses none', async () => {
  const ring = await connectedRing()
  const ids = mint(120)
  const heard = await Promise.all(ids.map((id) => ring.ring([id])))
  expect(heard.every(Boolean)).toBe(true)
  expect(await ring.depth()).toBe(Math.ceil(ids.length / IDS_PER_JOB))
  const jobs = await answerUntil(ring, ids.length)
  expect(jobs.flat()).toEqual(ids)
  expect(Math.max(...jobs.map((job) => job.length))).toBe(IDS_PER_JOB)
})

it('rings again for those that came while the first were under way', async () => {
  const ring = await connectedRing()
  const ids = mint(3)
  const rings = ids.map((id) => [id])
  for (const batch of rings) expect(await ring.ring(batch)).toBe(true)
  expect(await ring.depth()).toBe(3)
  expect((await answerUntil(ring, 3)).flat()).toEqual(ids)
})

it('holds as few ids a job as it is told', async () => {
  const ring = await connectedRing({ idsPerJob: 1 })
  expect(await ring.ring(mint(7))).toBe(true)
  expect(await ring.depth()).toBe(7)
})

it('says that nobody heard while Redis is away', async () => {
  const { redis } = inject('servers')
  const ring = newRing({ redis: { ...redis, port: 1 } })
  expect(await Promise.all([ring.ring(mint(1)), ring.ring(mint(1))])).toEqual([false, false])
  expect(await ring.depth()).toBeNull()
})

it('closes after the ids that were still being collected have been rung for', async () => {
  const installation = `ring_${randomBytes(4).toString('hex')}`
  const first = await connectedRing({ installation })
  const ids = mint(2)
  await first.ring(ids.slice(0, 1))
  const late = first.ring(ids.slice(1))
  await first.close(1_000)
  expect(await late).toBe(true)
  const second = await connectedRing({ installation })
  expect((await answerUntil(second, 2)).flat()).toEqual(ids)
})

it('tells why a handler gave a job up, and goes on with the next', async () => {
  const failures: Error[] = []
  const failed = Promise.withResolvers<void>()
  const ring = await connectedRing({
    onFailed: (error) => {
      failures.push(error)
      failed.resolve()
    },
  })
  const [bad, good] = mint(2)
  if (!bad || !good) return expect.fail()
  const answered = Promise.withResolvers<readonly Id[]>()
  ring.answer(async (ids) => {
    if (ids[0]?.equals(bad)) throw new Error('the table is away')
    answered.resolve(ids)
  }, 1)
  await ring.ring([bad])
  await failed.promise
  await ring.ring([good])
  expect(await answered.promise).toEqual([good])
  expect(failures.map(({ message }) => message)).toEqual(['the table is away'])
})
