import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { OFFER_STATES, type OfferState } from '../offers/offer-store.ts'
import { DISPATCH_POLICIES, type DispatchPolicy } from '../trips/trip.ts'
import type { DispatchBacklog } from './backlog.ts'
import { DECISION_OUTCOMES, type DecisionOutcome } from './decision.ts'

/** Where dispatch's counters go. All are told after the commit, by whoever committed. */
export interface DispatchMetrics {
  /** One decision was written. */
  decided(policy: DispatchPolicy, outcome: DecisionOutcome): void
  /** So many drivers were asked by one decision. */
  offered(policy: DispatchPolicy, offers: number): void
  /** From when a driver was looked for to the first offer. */
  firstOffer(policy: DispatchPolicy, seconds: number): void
  /** So many offers came to this. */
  offersEnded(state: Exclude<OfferState, 'offered'>, count: number): void
  /** A trip has its driver, so long after it was ordered. */
  matched(seconds: number): void
  /** A row was taken up so long after it was due; 0 where it was not due yet. */
  takenUp(lateSeconds: number): void
  /** A turn of the dispatcher, or the work on one trip, failed; the next one tries again. */
  failed(): void
  /** A window was not matched at the least cost: the thread that solves it died, or was too slow. */
  solverFailed(): void
  backlog(backlog: DispatchBacklog): void
}

const FIRST_OFFER_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]
const MATCH_SECONDS = [1, 2.5, 5, 10, 15, 30, 45, 60, 90, 120, 300]
const LATE_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]

/** Registers the metrics of dispatch. Names and labels are documented in docs/operations.md. */
export function createDispatchMetrics(registry: Registry): DispatchMetrics {
  const counters = createCounters([registry])
  const { firstOffer, match, late } = createHistograms([registry])
  return {
    ...counters,
    firstOffer: (policy, seconds) => firstOffer.observe({ policy }, seconds),
    matched: (seconds) => match.observe(seconds),
    takenUp: (seconds) => late.observe(seconds),
    backlog: createBacklogGauges([registry]),
  }
}

type Counts = Pick<DispatchMetrics, 'decided' | 'offered' | 'offersEnded' | 'failed' | 'solverFailed'>

/** All from 0 on, so that the first one is seen to rise. */
function createCounters(registers: Registry[]): Counts {
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name: `onceline_dispatch_${name}`, help, labelNames: [...labelNames], registers })
  const decisions = counter('decisions_total', 'Decisions by policy and what they came to.', [
    'policy',
    'outcome',
  ])
  const offers = counter('offers_total', 'Offers that were made, by policy.', ['policy'])
  const ended = counter('offers_ended_total', 'Offers by what became of them.', ['state'])
  const solver = counter(
    'solver_failures_total',
    'Windows whose thread died or was too slow: they took the nearest drivers.',
    [],
  )
  const failures = counter('failures_total', 'Turns, or looks at one trip, that failed.', [])
  for (const policy of DISPATCH_POLICIES) {
    offers.inc({ policy }, 0)
    for (const outcome of DECISION_OUTCOMES) decisions.inc({ policy, outcome }, 0)
  }
  for (const state of OFFER_STATES) if (state !== 'offered') ended.inc({ state }, 0)
  return {
    decided: (policy, outcome) => decisions.inc({ policy, outcome }),
    offered: (policy, count) => offers.inc({ policy }, count),
    offersEnded: (state, count) => ended.inc({ state }, count),
    failed: () => failures.inc(),
    solverFailed: () => solver.inc(),
  }
}

function createHistograms(registers: Registry[]) {
  const histogram = <T extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly T[],
  ): Histogram<T> =>
    new Histogram({
      name: `onceline_dispatch_${name}`,
      help,
      buckets,
      labelNames: [...labelNames],
      registers,
    })
  return {
    firstOffer: histogram(
      'first_offer_seconds',
      'From when a driver was looked for to the first offer.',
      FIRST_OFFER_SECONDS,
      ['policy'],
    ),
    match: histogram('match_seconds', 'From when a ride was ordered to its acceptance.', MATCH_SECONDS, []),
    late: histogram('late_seconds', 'How late trips that were due were taken up.', LATE_SECONDS, []),
  }
}

/** What MySQL says of the trips that wait; every process reads it, so a cluster takes the highest. */
function createBacklogGauges(registers: Registry[]): DispatchMetrics['backlog'] {
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> =>
    new Gauge({
      name: `onceline_dispatch_${name}`,
      help,
      labelNames: [...labelNames],
      registers,
      aggregator: 'max',
    })
  const waiting = gauge('trips_waiting', 'Trips for which a driver is looked for, by policy.', ['policy'])
  const oldest = gauge(
    'oldest_due_seconds',
    'For how long the trip is due that has been due for longest.',
    [],
  )
  const readAt = gauge(
    'backlog_read_timestamp_seconds',
    'When the two gauges of waiting trips were last read. Alarm when older than 60 s.',
    [],
  )
  return ({ waiting: counts, oldestDueSeconds }) => {
    for (const policy of DISPATCH_POLICIES) waiting.set({ policy }, counts[policy])
    oldest.set(oldestDueSeconds)
    readAt.setToCurrentTime()
  }
}
