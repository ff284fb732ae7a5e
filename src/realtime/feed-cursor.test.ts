import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { FeedCursor } from './feed-cursor.ts'

/** A cursor that is live behind message `head`. */
function liveAt(head: number): FeedCursor {
  const cursor = new FeedCursor()
  cursor.restart(head)
  expect(cursor.settle(head)).toBe(true)
  return cursor
}

describe('a live cursor', () => {
  it('sends the next number and nothing twice', () => {
    const cursor = liveAt(4)
    expect(cursor.hear(5)).toBe('send')
    expect(cursor.hear(5)).toBe('old')
    expect(cursor.hear(6)).toBe('send')
  })

  it('reads once where a number is missing, whatever is heard meanwhile', () => {
    const cursor = liveAt(4)
    expect(cursor.hear(6)).toBe('read')
    expect(cursor.hear(5)).toBe('wait')
    expect(cursor.hear(7)).toBe('wait')
    cursor.sent(6)
    // 7 was committed while the page was read.
    expect(cursor.settle(6)).toBe(false)
    cursor.sent(7)
    expect(cursor.settle(7)).toBe(true)
    expect(cursor.hear(8)).toBe('send')
  })

  it('reads where MySQL has more than Redis told of', () => {
    const cursor = liveAt(4)
    expect(cursor.learn(4)).toBe(false)
    expect(cursor.learn(5)).toBe(true)
    expect(cursor.learn(6)).toBe(false)
  })

  it('does not read for ever after a number that MySQL does not have', () => {
    const cursor = liveAt(4)
    expect(cursor.hear(900)).toBe('read')
    expect(cursor.settle(4)).toBe(false)
    expect(cursor.settle(4)).toBe(true)
    expect(cursor.hear(5)).toBe('send')
  })
})

/**
 * A feed to which messages are appended, a Redis that loses, repeats and delays what it is told, a reader that takes pages in
 * two steps (asked, answered) so that things happen between, and a client that sets the cursor.
 */
type Step =
  | { readonly kind: 'append'; readonly told: 'at once' | 'lost' | 'late' | 'twice' }
  | { readonly kind: 'tell late' }
  | { readonly kind: 'ask' }
  | { readonly kind: 'answer'; readonly page: number }
  | { readonly kind: 'compare' }
  | { readonly kind: 'resume'; readonly back: number }

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      told: fc.constantFrom('at once' as const, 'lost' as const, 'late' as const, 'twice' as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'tell late' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'ask' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('answer' as const), page: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'compare' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('resume' as const), back: fc.integer({ min: 0, max: 4 }) }),
  },
)

class World {
  readonly cursor = new FeedCursor()
  /** What the client got since it last set the cursor. */
  got: number[] = []
  since = 0
  #head = 0
  #late: number[] = []
  /** A page that was asked for and is not answered: what MySQL had at that moment. */
  #page: { readonly from: number; readonly head: number; readonly epoch: number } | null = null
  #isReading = true

  take(step: Step): void {
    if (step.kind === 'append') this.#append(step.told)
    else if (step.kind === 'tell late') for (const seq of this.#late.splice(0)) this.#hear(seq)
    else if (step.kind === 'ask') this.#ask()
    else if (step.kind === 'answer') this.#answer(step.page)
    else if (step.kind === 'compare') this.#isReading = this.cursor.learn(this.#head) || this.#isReading
    else {
      this.since = Math.max(this.#head - step.back, 0)
      this.got = []
      if (this.cursor.restart(this.since)) this.#isReading = true
    }
  }

  /** Everything goes well from now on. */
  settle(): number {
    this.take({ kind: 'tell late' })
    this.take({ kind: 'compare' })
    for (let turns = 0; this.#isReading && turns < 1_000; turns += 1) {
      this.take({ kind: 'ask' })
      this.take({ kind: 'answer', page: 3 })
    }
    expect(this.#isReading).toBe(false)
    return this.#head
  }

  #append(told: 'at once' | 'lost' | 'late' | 'twice'): void {
    this.#head += 1
    if (told === 'late') this.#late.push(this.#head)
    if (told === 'at once' || told === 'twice') this.#hear(this.#head)
    if (told === 'twice') this.#hear(this.#head)
  }

  #ask(): void {
    if (!this.#isReading || this.#page !== null) return
    this.#page = { from: this.cursor.next, head: this.#head, epoch: this.cursor.epoch }
  }

  #hear(seq: number): void {
    const heard = this.cursor.hear(seq)
    if (heard === 'send') this.got.push(seq)
    if (heard === 'read') this.#isReading = true
  }

  #answer(limit: number): void {
    const page = this.#page
    if (page === null) return
    this.#page = null
    if (page.epoch !== this.cursor.epoch) return
    const last = Math.min(page.head, page.from + limit - 1)
    for (let seq = page.from; seq <= last; seq += 1) this.got.push(seq)
    if (last >= page.from) this.cursor.sent(last)
    if (this.cursor.settle(page.head)) this.#isReading = false
  }
}

describe('a cursor in any world', () => {
  it('gives every number once and in order, with none left out', () => {
    fc.assert(
      fc.property(fc.array(STEPS, { maxLength: 60 }), (steps) => {
        const world = new World()
        for (const step of steps) world.take(step)
        const head = world.settle()
        const expected = Array.from({ length: head - world.since }, (_, index) => world.since + 1 + index)
        expect(world.got).toEqual(expected)
      }),
      propertyRuns(1_000),
    )
  })
})
