import fc from 'fast-check'
import type { Candidate, WaitingTrip } from '../../src/matching/dispatch/policy.ts'

const PLACE = { latitude: 30.0444, longitude: 31.2357 }

export function candidateOf(driverId: string, known: Partial<Candidate> = {}): Candidate {
  return {
    driverId,
    position: PLACE,
    distanceMeters: (known.etaSeconds ?? 60) * 7,
    etaSeconds: 60,
    positionAgeMs: 0,
    isConnected: true,
    acceptanceRate: null,
    idleSeconds: null,
    ...known,
  }
}

export function tripOf(tripId: string, candidates: readonly Candidate[], waitedMs = 0): WaitingTrip {
  return { tripId, pickup: PLACE, waitedMs, candidates }
}

const part = fc.double({ min: 0, max: 1, noNaN: true })

const anyCandidate = fc.record({
  etaSeconds: fc.integer({ min: 0, max: 3_000 }),
  positionAgeMs: fc.integer({ min: 0, max: 120_000 }),
  isConnected: fc.boolean(),
  acceptanceRate: fc.option(part),
  idleSeconds: fc.option(fc.integer({ min: 0, max: 10_000 })),
})
/** Many are alike, so that only their ids tell them apart. */
const someCandidate = fc.oneof(
  anyCandidate,
  fc.constantFrom<Partial<Candidate>>({ etaSeconds: 60 }, { etaSeconds: 90 }),
)

const someWait = fc.oneof(fc.constantFrom(0, 2_000), fc.integer({ min: 0, max: 120_000 }))

/** Trips that share drivers; no driver is twice among the candidates of one trip. */
export function someTrips({ trips, drivers }: { readonly trips: number; readonly drivers: number }) {
  const candidates = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: drivers }), someCandidate), {
      selector: ([number]) => number,
      maxLength: drivers,
    })
    .map((found) => found.map(([number, known]) => candidateOf(`driver-${number}`, known)))
  return fc
    .array(fc.record({ candidates, waitedMs: someWait }), { maxLength: trips })
    .map((found) =>
      found.map(({ candidates, waitedMs }, index) => tripOf(`trip-${index}`, candidates, waitedMs)),
    )
}
