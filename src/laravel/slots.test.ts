import { describe, expect, it } from 'vitest'
import { Slots } from './slots.ts'

describe('places', () => {
  it('are given a few at once, in the order of asking, and never more than there are', async () => {
    const slots = new Slots(8, 2)
    const given: [string, number][] = []
    const ask = (name: string, wanted: number) =>
      slots.take(wanted).then((count) => {
        given.push([name, count])
      })
    await ask('a', 3)
    await ask('b', 9)
    const waiting = [ask('c', 4), ask('d', 1)]
    slots.giveBack(1)
    await turn()
    expect(given, 'one place is too few for who wants four, and nobody overtakes').toEqual([
      ['a', 3],
      ['b', 5],
    ])
    slots.giveBack(1)
    await waiting[0]
    slots.giveBack(1)
    await Promise.all(waiting)
    expect(given.slice(2)).toEqual([
      ['c', 2],
      ['d', 1],
    ])
  })

  it('are given one by one where there is only one', async () => {
    const slots = new Slots(1, 1)
    expect(await slots.take(5)).toBe(1)
    const next = slots.take(5)
    slots.giveBack(1)
    expect(await next).toBe(1)
  })
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
