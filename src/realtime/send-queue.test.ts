import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { BUDGET_BYTES, type Outgoing, type OutgoingKind, SendQueue } from './send-queue.ts'

const NOW_MS = 1_000_000

function drained(queue: SendQueue, nowMs = NOW_MS): string[] {
  const texts: string[] = []
  for (let frame = queue.take(nowMs); frame !== undefined; frame = queue.take(nowMs))
    texts.push(frame.toString())
  return texts
}

const frame = (text: string) => Buffer.from(text)

describe('a queue', () => {
  it('lets what is kept overtake offers, offers what is ephemeral, and positions come last', () => {
    const queue = new SendQueue(() => undefined)
    queue.add({ kind: 'latest', frame: frame('position'), key: 'driver' })
    queue.add({ kind: 'ephemeral', frame: frame('word') })
    queue.add({ kind: 'offer', frame: frame('offer'), expiresAtMs: NOW_MS + 1 })
    queue.add({ kind: 'kept', frame: frame('first') })
    queue.add({ kind: 'kept', frame: frame('second') })
    expect(drained(queue)).toEqual(['first', 'second', 'offer', 'word', 'position'])
    expect(queue.bytes).toBe(0)
  })

  it('keeps the newest position of each driver', () => {
    const dropped: [OutgoingKind, number][] = []
    const queue = new SendQueue((kind, count) => dropped.push([kind, count]))
    queue.add({ kind: 'latest', frame: frame('a1'), key: 'a' })
    queue.add({ kind: 'latest', frame: frame('b1'), key: 'b' })
    queue.add({ kind: 'latest', frame: frame('a2'), key: 'a' })
    expect(drained(queue)).toEqual(['b1', 'a2'])
    expect(dropped).toEqual([['latest', 1]])
  })

  it('never gives out an offer that is over', () => {
    const dropped: OutgoingKind[] = []
    const queue = new SendQueue((kind) => dropped.push(kind))
    queue.add({ kind: 'offer', frame: frame('over'), expiresAtMs: NOW_MS })
    queue.add({ kind: 'offer', frame: frame('open'), expiresAtMs: NOW_MS + 1 })
    expect(drained(queue)).toEqual(['open'])
    expect(dropped).toEqual(['offer'])
  })

  it('says no where what must come has no room, and drops the oldest of anything else', () => {
    const queue = new SendQueue(() => undefined)
    const half = Buffer.alloc(BUDGET_BYTES.kept / 2)
    expect([half, half].map((one) => queue.add({ kind: 'kept', frame: one }))).toEqual([true, true])
    expect(queue.add({ kind: 'kept', frame: frame('x') })).toBe(false)
    const most = Buffer.alloc(BUDGET_BYTES.ephemeral - 1)
    expect(queue.add({ kind: 'ephemeral', frame: most })).toBe(true)
    expect(queue.add({ kind: 'ephemeral', frame: frame('newer') })).toBe(true)
    expect(drained(queue).at(-1)).toBe('newer')
  })
})

const MESSAGES: fc.Arbitrary<Outgoing> = fc
  .record({
    kind: fc.constantFrom('kept' as const, 'ephemeral' as const, 'offer' as const, 'latest' as const),
    length: fc.integer({ min: 2, max: 40_000 }),
    key: fc.constantFrom('a', 'b', 'c'),
    expiresAtMs: fc.constantFrom(NOW_MS - 1, NOW_MS + 1),
  })
  .map(({ kind, length, key, expiresAtMs }) => {
    const bytes = Buffer.alloc(length, kind)
    if (kind === 'offer') return { kind, frame: bytes, expiresAtMs }
    return kind === 'latest' ? { kind, frame: bytes, key } : { kind, frame: bytes }
  })

describe('a queue that is filled with anything', () => {
  it('never holds more than its budgets, loses nothing that is kept, and ends empty', () => {
    const most = Object.values(BUDGET_BYTES).reduce((sum, bytes) => sum + bytes, 0)
    fc.assert(
      fc.property(fc.array(MESSAGES, { maxLength: 200 }), (messages) => {
        let dropped = 0
        const queue = new SendQueue((_, count) => {
          dropped += count
        })
        const kept = messages.filter((message) => {
          const isTaken = queue.add(message)
          expect(queue.bytes).toBeLessThanOrEqual(most)
          return isTaken
        })
        let taken = 0
        let keptTaken = 0
        for (let out = queue.take(NOW_MS); out !== undefined; out = queue.take(NOW_MS)) {
          taken += 1
          if (out.toString('latin1', 0, 4).startsWith('ke')) keptTaken += 1
        }
        expect(keptTaken).toBe(kept.filter(({ kind }) => kind === 'kept').length)
        expect(taken + dropped).toBe(kept.length)
        expect(queue.isEmpty).toBe(true)
      }),
      propertyRuns(200),
    )
  })
})

it('holds no more than what it counts, though short frames are parts of a larger block', () => {
  const queue = new SendQueue(() => undefined)
  queue.add({ kind: 'kept', frame: Buffer.from('x'.repeat(200)) })
  const frame = queue.take(NOW_MS)
  expect(frame?.toString()).toBe('x'.repeat(200))
  expect(frame?.buffer.byteLength).toBe(200)
  const long = Buffer.alloc(10_000)
  queue.add({ kind: 'kept', frame: long })
  expect(queue.take(NOW_MS)).toBe(long)
})
