import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Lanes } from './lanes.ts'

/** Jobs that say when they begin, and end when they are told to. */
function stage(lanes: Lanes) {
  const begun: string[] = []
  const ends = new Map<string, (againMs: number | null) => void>()
  return {
    begun,
    push: (lane: string, name: string) =>
      lanes.push(lane, () => {
        begun.push(name)
        return new Promise((resolve) => ends.set(name, resolve))
      }),
    end: async (name: string, againMs: number | null = null) => {
      ends.get(name)?.(againMs)
      await turn()
    },
  }
}

describe('lanes', () => {
  it('keep the order of a name, and let names pass each other, so many at once', async () => {
    const { begun, push, end } = stage(new Lanes({ concurrency: 2, capacity: 10 }))
    for (const [lane, name] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['b', 'b1'],
      ['c', 'c1'],
    ] as const)
      push(lane, name)
    expect(begun).toEqual(['a1', 'b1'])
    await end('b1')
    expect(begun).toEqual(['a1', 'b1', 'c1'])
    await end('a1')
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2'])
  })

  it('let a job that waits for another try hold up its own lane alone', async () => {
    const lanes = new Lanes({ concurrency: 1, capacity: 10 })
    const { begun, push, end } = stage(lanes)
    for (const [lane, name] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['b', 'b1'],
    ] as const)
      push(lane, name)
    await end('a1', 1)
    expect(begun).toEqual(['a1', 'b1'])
    await end('b1')
    await expect.poll(() => begun).toEqual(['a1', 'b1', 'a1'])
    await end('a1')
    expect(begun.at(-1)).toBe('a2')
  })

  it('take no more than they have room for, those at work included', async () => {
    const lanes = new Lanes({ concurrency: 1, capacity: 2 })
    const { push, end } = stage(lanes)
    expect([push('a', 'a1'), push('b', 'b1'), push('c', 'c1')]).toEqual([true, true, false])
    await end('a1')
    expect(lanes.size).toBe(1)
    expect(push('c', 'c1')).toBe(true)
  })

  it('end when they are empty, and leave undone what is late', async () => {
    const empty = new Lanes({ concurrency: 1, capacity: 2 })
    expect(await empty.close(10_000)).toBe(0)
    expect(empty.push('a', async () => null)).toBe(false)

    const finishing = new Lanes({ concurrency: 1, capacity: 9 })
    const one = stage(finishing)
    one.push('a', 'a1')
    one.push('a', 'a2')
    const closed = finishing.close(10_000)
    await one.end('a1')
    await one.end('a2')
    expect(await closed).toBe(0)

    const late = new Lanes({ concurrency: 1, capacity: 9 })
    const other = stage(late)
    other.push('a', 'a1')
    other.push('b', 'b1')
    expect(await late.close(1)).toBe(2)
    await other.end('a1')
    expect(other.begun).toEqual(['a1'])
  })
})
