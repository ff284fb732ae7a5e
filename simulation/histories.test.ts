import { describe, expect, it } from 'vitest'
import { type HistoryStep, overlaps, readHistories } from './histories.ts'

const step = (
  tripId: string,
  to: HistoryStep['to'],
  atMs: number,
  driverId: string | null = null,
): HistoryStep => ({
  ...{ tripId, to, atMs, driverId },
})

describe('histories of trips', () => {
  it('say who had which trip when', () => {
    const { holdings, takenTwice } = readHistories([
      step('a', 'pending', 0),
      step('a', 'accepted', 5, 'd1'),
      step('a', 'pending', 8),
      step('a', 'accepted', 9, 'd2'),
      step('a', 'arrived', 12),
      step('a', 'completed', 20),
      step('b', 'pending', 1),
      step('b', 'cancelled', 3),
      step('c', 'pending', 8),
      step('c', 'accepted', 9, 'd1'),
    ])
    expect(takenTwice).toEqual([])
    expect(overlaps(holdings)).toEqual([])
    expect(holdings).toEqual([
      { tripId: 'a', driverId: 'd1', fromMs: 5, toMs: 8 },
      { tripId: 'a', driverId: 'd2', fromMs: 9, toMs: 20 },
      { tripId: 'c', driverId: 'd1', fromMs: 9, toMs: null },
    ])
  })

  it('show a trip that two drivers took', () => {
    const { takenTwice } = readHistories([step('a', 'accepted', 5, 'd1'), step('a', 'accepted', 6, 'd2')])
    expect(takenTwice).toEqual(['a: d1, then d2'])
  })

  it('show a driver who had two trips at once, however they lie', () => {
    const hold = (tripId: string, fromMs: number, toMs: number | null) => ({
      tripId,
      driverId: 'd',
      fromMs,
      toMs,
    })
    expect(overlaps([hold('a', 0, 10), hold('b', 10, 20)])).toEqual([])
    expect(overlaps([hold('a', 0, 10), hold('b', 9, 20)])).toEqual(['d: a and b'])
    expect(overlaps([hold('a', 0, null), hold('b', 9, 20)])).toEqual(['d: a and b'])
    expect(overlaps([hold('a', 0, 30), hold('b', 9, 20), hold('c', 25, 40)])).toEqual([
      'd: a and b',
      'd: a and c',
    ])
  })
})
