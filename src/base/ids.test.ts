import { expect, it, vi } from 'vitest'
import { idFromText, idToText, newId } from './ids.ts'

it('mints ids that ascend and never repeat, however many come in one millisecond', () => {
  const ids = Array.from({ length: 100_000 }, newId)
  const ascends = ids.every((id, index) => index === 0 || id.compare(ids[index - 1] ?? id) > 0)
  expect(ascends).toBe(true)
})

it('mints version 7, with the time in front', () => {
  const before = Date.now()
  const id = newId()
  expect(id.readUIntBE(0, 6)).toBeGreaterThanOrEqual(before)
  expect(id.readUIntBE(0, 6)).toBeLessThanOrEqual(Date.now())
  expect(idToText(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

it('ascends also when the clock goes back', () => {
  const before = newId()
  vi.useFakeTimers({ now: Date.now() - 60_000 })
  try {
    expect(newId().compare(before)).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

it('gives every id its own random tail', () => {
  const tails = Array.from({ length: 10_000 }, () => newId().subarray(10).toString('hex'))
  expect(new Set(tails).size).toBe(tails.length)
})

it('reads its own text form, and nothing else', () => {
  const id = newId()
  expect(idFromText(idToText(id))).toEqual(id)
  expect(idFromText('not an id')).toBeNull()
})
