import { describe, expect, it } from 'vitest'
import type { TripAct, TripOperation } from './support/linearizability/trip-acts.ts'
import { faultsOfHistory } from './support/linearizability/trip-history.ts'

/** An act of bids: `d1` bids, takes back, or is chosen, by his bid of this name. */
function bidOp(
  kind: 'bid' | 'unbid' | 'choose',
  bid: string,
  [callMs, returnMs]: readonly [number, number?],
  word = 'ok',
  tripId = 'a',
): TripOperation {
  const act: TripAct = { kind, tripId, driverId: bid.split(' ')[0] ?? '', bid }
  return { act, callMs, heard: returnMs === undefined ? null : { answer: { word }, returnMs } }
}

/** The first driver takes the other trip. */
const ELSEWHERE: TripOperation = {
  act: { kind: 'accept', tripId: 'b', driverId: 'd1' },
  callMs: 2,
  heard: { answer: { word: 'ok' }, returnMs: 3 },
}

describe('with bids a history is', () => {
  const placed = [bidOp('bid', 'd1 x', [0, 1]), bidOp('bid', 'd2 y', [0, 1])]
  it.each<[string, TripOperation[]]>([
    [
      'of two that are chosen at once one is',
      [bidOp('choose', 'd1 x', [2, 9]), bidOp('choose', 'd2 y', [3, 5], 'trip_taken')],
    ],
    ['one is chosen twice', [bidOp('choose', 'd1 x', [2, 9]), bidOp('choose', 'd1 x', [3, 5])]],
    [
      'it is chosen before it is taken back',
      [bidOp('unbid', 'd1 x', [2, 9], 'bid_accepted'), bidOp('choose', 'd1 x', [3, 5])],
    ],
    [
      'it is replaced, and the new one is chosen',
      [
        bidOp('bid', 'd1 z', [2]),
        bidOp('choose', 'd1 x', [3, 5], 'bid_closed'),
        bidOp('choose', 'd1 z', [6, 7]),
      ],
    ],
    [
      'he takes another ride, and can bid there no more',
      [ELSEWHERE, bidOp('choose', 'd1 x', [4, 5], 'driver_busy')],
    ],
  ])('possible: %s', (_, history) => expect(faultsOfHistory([...placed, ...history])).toEqual([]))

  it.each<[string, TripOperation[]]>([
    ['two are chosen', [bidOp('choose', 'd1 x', [2, 9]), bidOp('choose', 'd2 y', [3, 5])]],
    ['one is chosen that was taken back', [bidOp('unbid', 'd1 x', [2, 3]), bidOp('choose', 'd1 x', [4, 5])]],
    ['one is chosen that was replaced', [bidOp('bid', 'd1 z', [2, 3]), bidOp('choose', 'd1 x', [4, 5])]],
    ['one is closed for no reason', [bidOp('choose', 'd1 x', [4, 5], 'bid_closed')]],
    ['one driver bids for two', [bidOp('bid', 'd1 z', [2, 3], 'ok', 'b')]],
    ['a driver on a ride is chosen', [ELSEWHERE, bidOp('choose', 'd1 x', [4, 5])]],
    ['it is elsewhere, and is nowhere', [bidOp('bid', 'd3 z', [2, 3], 'bid_elsewhere')]],
  ])('impossible: %s', (_, history) => expect(faultsOfHistory([...placed, ...history])).toHaveLength(1))
})
