import { describe, expect, it } from 'vitest'
import { boardOf, lineOf, painter } from './board.ts'
import type { Picture } from './picture.ts'

const picture: Picture = {
  moment: { atMs: 300_000, waiting: 1, idle: 1, toPickup: 1, riding: 1, away: 1 },
  ...{ totalMs: 600_000, sizeMeters: 12_000, requests: 9, matched: 5, completed: 2, unserved: 1 },
  cars: [
    { point: { x: -5_999, y: 5_999 }, doing: 'idle' },
    { point: { x: 5_999, y: -5_999 }, doing: 'riding' },
    { point: { x: 0, y: 0 }, doing: 'to_pickup' },
    { point: { x: 3_000, y: 0 }, doing: 'away' },
  ],
  waiting: [{ x: 0, y: 0 }],
  ...{ meanPickupMeters: 1_234, meanMatchSeconds: null },
}

describe('the picture of the city', () => {
  const board = boardOf(picture, painter(false))

  it('has north above, and shows who waits before who drives', () => {
    const map = board.filter((line) => line.startsWith('|')).map((line) => line.slice(1, 61))
    expect(map).toHaveLength(22)
    expect(map[0]?.[0]).toBe('·')
    expect(map[21]?.[59]).toBe('#')
    expect(map.join('')).toContain('o')
    expect(map.join('').replaceAll(' ', '')).toHaveLength(3)
  })

  it('fits a terminal, tells the time, and has no colours where there are none', () => {
    expect(board.every((line) => line.length <= 90)).toBe(true)
    expect(board[0]).toContain('05:00 of 10:00')
    expect(board.join('')).not.toContain('\u001b')
    expect(boardOf(picture, painter(true)).join('')).toContain('\u001b[31mo')
  })

  it('is a line elsewhere', () => {
    expect(lineOf(picture)).toMatch(
      /^05:00 of 10:00 {2}9 requests, 5 matched, 2 completed, 1 not; 1 wait; .*pickup 1\.23 km$/,
    )
  })
})
