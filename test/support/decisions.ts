import type { Pool } from '../../db/pools.ts'
import { type Id, idFromText, idToText, newId } from '../../src/base/ids.ts'
import type { DecisionDocument, DecisionOutcome } from '../../src/matching/dispatch/decision.ts'
import { POLICIES } from '../../src/matching/dispatch/policies/policies.ts'
import type { Candidate } from '../../src/matching/dispatch/policy.ts'
import { DEFAULT_SETTINGS, type DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import type { DispatchPolicy } from '../../src/matching/trips/trip.ts'

/** A driver so many seconds away, of whom all else is well. */
export function candidateOf(driverId: string, etaSeconds: number, more: Partial<Candidate> = {}): Candidate {
  return {
    driverId,
    position: { latitude: 30.05, longitude: 31.24 },
    distanceMeters: etaSeconds * 7,
    etaSeconds,
    positionAgeMs: 1_000,
    isConnected: true,
    acceptanceRate: 1,
    idleSeconds: 3_600,
    ...more,
  }
}

export interface RoundSpec {
  readonly tripId: string
  readonly candidates?: readonly Candidate[]
  readonly excluded?: DecisionDocument['excluded']
  readonly zoneId?: string | null
  readonly waitedMs?: number
}

export interface RoundsSpec {
  readonly policy: DispatchPolicy
  readonly round?: number
  readonly windowNumber?: number | null
  readonly settings?: Partial<DispatchSettings>
  readonly outcome?: DecisionOutcome
}

/** Decides for trips together as the dispatcher does, and keeps offers and decisions; who was asked for each trip, with his offer. */
export async function decideFor(
  pool: Pool,
  trips: readonly RoundSpec[],
  { policy, round = 0, windowNumber = null, settings, outcome }: RoundsSpec,
): Promise<Map<string, ReadonlyMap<string, Id>>> {
  const all = { ...DEFAULT_SETTINGS, policy, ...settings }
  const waiting = trips.map(({ tripId, candidates = [], waitedMs = 300 }) => ({
    ...{ tripId, candidates, waitedMs, pickup: { latitude: 30.04, longitude: 31.23 } },
  }))
  const planned = POLICIES[policy](waiting, all)
  const asked = new Map<string, ReadonlyMap<string, Id>>()
  for (const { tripId, candidates = [], excluded = [], zoneId = 'zone-1', waitedMs = 300 } of trips) {
    const offers = planned
      .filter((one) => one.tripId === tripId)
      .map(({ driverId, cost }) => ({ driverId, cost, offerId: idToText(newId()) }))
    for (const { driverId, offerId } of offers) await insertOffer(pool, tripId, driverId, offerId)
    asked.set(tripId, new Map(offers.map(({ driverId, offerId }) => [driverId, idOf(offerId)])))
    const what = outcome ?? (offers.length > 0 ? 'offered' : 'nobody')
    const document: DecisionDocument = {
      ...{ zoneId, category: 'car', settings: all, waitedMs, candidates, excluded, offers },
      pickup: { latitude: 30.04, longitude: 31.23 },
    }
    await insertDecision(pool, { tripId, round, policy, windowNumber, outcome: what, document })
  }
  return asked
}

/** A driver answered an offer, or did not, after so many seconds. */
export async function answerOffer(
  pool: Pool,
  offerId: Id | undefined,
  state: string,
  { afterSeconds = 4, reason = null }: { afterSeconds?: number; reason?: string | null } = {},
): Promise<void> {
  await pool.query(
    `UPDATE trip_offers SET state = ?, live_slot = NULL, reason = ?, decided_at = created_at + INTERVAL ? SECOND WHERE id = ?`,
    [state, reason, afterSeconds, offerId],
  )
}

function idOf(text: string): Id {
  const id = idFromText(text)
  if (id === null) throw new Error(`${text} is no id`)
  return id
}

async function insertOffer(pool: Pool, tripId: string, driverId: string, offerId: string): Promise<void> {
  await pool.query(
    `INSERT INTO trip_offers (id, trip_id, driver_id, state, expires_at, created_at, distance_meters, eta_seconds)
     VALUES (?, ?, ?, 'offered', UTC_TIMESTAMP(3) + INTERVAL 15 SECOND, UTC_TIMESTAMP(3), 700, 100)`,
    [idOf(offerId), tripId, driverId],
  )
}

interface NewDecision {
  readonly tripId: string
  readonly round: number
  readonly policy: DispatchPolicy
  readonly windowNumber: number | null
  readonly outcome: DecisionOutcome
  readonly document: DecisionDocument
}

async function insertDecision(pool: Pool, decision: NewDecision): Promise<void> {
  const { tripId, round, policy, windowNumber, outcome, document } = decision
  await pool.query(
    `INSERT INTO dispatch_decisions (id, trip_id, round, policy, window_number, outcome, document, at)
     VALUES (?, UTC_TIMESTAMP(3))`,
    [[newId(), tripId, round, policy, windowNumber, outcome, JSON.stringify(document)]],
  )
}
