import { describe, expect, it } from 'vitest'
import { citySpecification } from './support/linearizability/city.ts'
import { overlappingRides } from './support/linearizability/driver-rides.ts'
import { linearize } from './support/linearizability/search.ts'
import type { TripAct, TripOperation } from './support/linearizability/trip-acts.ts'
import { faultsOfHistory } from './support/linearizability/trip-history.ts'

/** An act of trip `a` by driver 1 or 2, from and to a time; without an end nobody heard of it. */
function op(
  kind: TripAct['kind'],
  driver: number | null,
  [callMs, returnMs]: readonly [number, number?],
  word = 'ok',
  tripId = 'a',
): TripOperation {
  const act = { kind, tripId, ...(driver === null ? {} : { driverId: `d${driver}` }) } as TripAct
  return { act, callMs, heard: returnMs === undefined ? null : { answer: { word }, returnMs } }
}

function byOffer(kind: 'accept' | 'reject', offer: string, atMs: number): TripOperation {
  const act: TripAct = { kind, tripId: 'a', driverId: 'd1', offer }
  return { act, callMs: atMs, heard: { answer: { word: 'ok' }, returnMs: atMs + 1 } }
}

function read(
  at: readonly [number, number],
  status: string,
  driver: number | null,
  tripId = 'a',
): TripOperation {
  const stands = { status, driverId: driver === null ? null : `d${driver}` }
  return {
    act: { kind: 'read', tripId },
    callMs: at[0],
    heard: { answer: { word: 'ok', stands }, returnMs: at[1] },
  }
}

describe('a history is possible', () => {
  it.each<[string, TripOperation[]]>([
    ['nothing at all', []],
    ['one wins, the other hears so', [op('accept', 1, [0, 9]), op('accept', 2, [1, 5], 'trip_taken')]],
    [
      'the loser asks first and is answered last',
      [op('accept', 2, [0, 9], 'trip_taken'), op('accept', 1, [5, 6])],
    ],
    ['who wins without hearing it', [op('accept', 1, [0]), op('accept', 2, [5, 6], 'trip_taken')]],
    [
      'who rejected one offer takes the trip by the next',
      [byOffer('reject', 'x', 0), byOffer('accept', 'y', 2)],
    ],
    ['what was not heard never happens', [op('accept', 1, [0]), op('accept', 2, [5, 6])]],
    [
      'what was not heard happens late',
      [op('accept', 1, [0]), read([5, 6], 'pending', null), read([7, 8], 'accepted', 1)],
    ],
    [
      'a cancellation beats an acceptance',
      [op('cancel', null, [0, 9]), op('accept', 1, [1, 5], 'transition_not_allowed')],
    ],
    [
      'or comes after it',
      [op('cancel', null, [0, 9]), op('accept', 1, [1, 5]), read([10, 11], 'cancelled', 1)],
    ],
    [
      'a ride goes to another after its driver gave it up',
      [
        op('accept', 1, [0, 1]),
        op('release', 1, [2, 3]),
        op('accept', 2, [4, 5]),
        op('accept', 1, [6, 7], 'trip_taken'),
      ],
    ],
    [
      'a driver has one ride after the other',
      [
        op('accept', 1, [0, 1]),
        op('accept', 1, [2, 3], 'driver_busy', 'b'),
        op('cancel', null, [4, 5]),
        op('accept', 1, [6, 7], 'ok', 'c'),
      ],
    ],
    [
      'a rejection first, and then no acceptance',
      [op('reject', 1, [0, 1]), op('accept', 1, [2, 3], 'offer_closed'), op('accept', 2, [4, 5])],
    ],
    [
      'a ride is driven to its end',
      [
        op('accept', 1, [0, 1]),
        op('arrive', 1, [2, 3]),
        op('start', 1, [4, 5]),
        op('complete', 1, [6, 7]),
        op('cancel', null, [8, 9], 'transition_not_allowed'),
        op('accept', 1, [10, 11], 'ok', 'b'),
      ],
    ],
    ['Laravel named somebody', [op('name', 2, [0, 1]), op('accept', 1, [2, 3], 'trip_taken')]],
  ])('%s', (_, history) => {
    expect(faultsOfHistory(history)).toEqual([])
  })
})

describe('a history is impossible', () => {
  it.each<[string, TripOperation[], string]>([
    ['two have one ride', [op('accept', 1, [0, 9]), op('accept', 2, [1, 5])], 'trip a'],
    ['two have one ride, one after the other', [op('accept', 1, [0, 1]), op('accept', 2, [5, 6])], 'trip a'],
    [
      'it is taken, and nobody could have it',
      [op('accept', 1, [0, 1], 'trip_taken'), op('accept', 2, [5])],
      'trip a',
    ],
    ['what was told is gone', [op('accept', 1, [0, 1]), read([2, 3], 'pending', null)], 'trip a'],
    [
      'what happened unheard is taken back',
      [op('accept', 1, [0]), read([2, 3], 'accepted', 1), read([4, 5], 'pending', null)],
      'trip a',
    ],
    [
      'it is taken after the cancellation was told',
      [op('cancel', null, [0, 1]), op('accept', 1, [2, 3])],
      'trip a',
    ],
    [
      'it is cancelled after its end',
      [
        op('accept', 1, [0, 1]),
        op('start', 1, [2, 3]),
        op('complete', 1, [4, 5]),
        op('cancel', null, [6, 7]),
      ],
      'trip a',
    ],
    [
      'who rejected it has it, by that offer',
      [byOffer('reject', 'x', 0), byOffer('accept', 'x', 2)],
      'trip a',
    ],
    ['who rejected it has it', [op('reject', 1, [0, 1]), op('accept', 1, [2, 3])], 'trip a'],
    ['who was named is passed over', [op('name', 2, [0, 1]), op('accept', 1, [2, 3])], 'trip a'],
    ['one has two rides', [op('accept', 1, [0, 1]), op('accept', 1, [2, 3], 'ok', 'b')], 'driver d1'],
    [
      'one has two rides that were asked for at once',
      [op('accept', 1, [0, 5]), op('accept', 1, [1, 6], 'ok', 'b')],
      'driver d1',
    ],
    [
      'one has two rides between two cancellations',
      [
        op('accept', 1, [0, 4]),
        op('accept', 1, [0, 4], 'ok', 'b'),
        op('cancel', null, [5, 9]),
        op('cancel', null, [5, 9], 'ok', 'b'),
      ],
      'driver d1',
    ],
    [
      'busy with nothing',
      [op('accept', 1, [0, 1], 'driver_busy'), op('accept', 1, [2, 3], 'ok', 'b')],
      'all trips',
    ],
    [
      'two rides that only readers saw',
      [
        op('accept', 1, [0]),
        op('accept', 1, [0], 'ok', 'b'),
        read([1, 2], 'accepted', 1),
        read([3, 4], 'accepted', 1, 'b'),
        read([5, 6], 'accepted', 1),
      ],
      'all trips',
    ],
    [
      'an answer shows another driver',
      [{ ...read([0, 1], 'accepted', 2), act: { kind: 'accept', tripId: 'a', driverId: 'd1' } }],
      'trip a',
    ],
  ])('%s', (_, history, where) => {
    const faults = faultsOfHistory(history)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(where)
  })

  it('and the words say what fits and what does not', () => {
    const [fault] = faultsOfHistory([op('accept', 1, [0, 1]), op('accept', 2, [5, 6])])
    expect(fault).toContain('[0.0, 1.0] accept a d1 → ok')
    expect(fault).toContain('may come:\n    [5.0, 6.0] accept a d2 → ok')
  })
})

describe('what a driver surely has', () => {
  it('ends where somebody begins to end it, be it heard or not', () => {
    const rides = (end: TripOperation) =>
      overlappingRides([op('accept', 1, [0, 1]), end, op('accept', 1, [5, 6], 'ok', 'b')])
    expect(rides(op('cancel', null, [4, 9]))).toEqual([])
    expect(rides(op('cancel', null, [4]))).toEqual([])
    expect(rides(op('cancel', null, [4, 9], 'transition_not_allowed'))).toHaveLength(1)
    expect(rides(op('cancel', null, [7, 9]))).toHaveLength(1)
    expect(rides(op('cancel', null, [4, 9], 'ok', 'c'))).toHaveLength(1)
  })
})

describe('the search', () => {
  it('finds a winner among five hundred, and two of them', () => {
    const crowd = Array.from({ length: 500 }, (_, index) =>
      op('accept', index, [index / 100, 50], 'trip_taken'),
    )
    expect(linearize(crowd, citySpecification({ isWhole: false })).kind).toBe('violation')
    const won = crowd.map((one, index) => (index === 321 ? op('accept', 321, [9, 10]) : one))
    expect(faultsOfHistory(won)).toEqual([])
    expect(faultsOfHistory([...won, op('accept', 777, [9, 10])])).toHaveLength(1)
  })

  it('gives up after so many steps, and says so', () => {
    const cancels = Array.from({ length: 12 }, (_, driver) => op('reject', driver, [0, 9]))
    const impossible = [...cancels, read([1, 2], 'completed', null)]
    expect(linearize(impossible, citySpecification({ isWhole: false }), 100)).toEqual({
      kind: 'too_hard',
      nodes: 101,
    })
  })
})
