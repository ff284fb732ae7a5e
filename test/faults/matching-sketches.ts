import type { Chance } from './chance.ts'
import { BID_SKETCHES } from './matching-bid-sketches.ts'
import { act, acts, everybodyAccepts, type Plan, pairs, type Sketch } from './matching-plan.ts'

/** The whole of it: riders ask, and the two processes find drivers. */
export const DISPATCHED = 'dispatched'

export const SKETCHES: Readonly<Record<string, Sketch>> = {
  crowd: (chance) => everybodyAccepts(chance, 1, chance.between(5, 20)),
  greedy: (chance) => everybodyAccepts(chance, chance.between(3, 8), 1),
  grid: (chance) => everybodyAccepts(chance, chance.between(2, 4), chance.between(2, 4)),
  cancelled: (chance) => {
    const base = everybodyAccepts(chance, chance.between(1, 2), chance.between(2, 4))
    return { ...base, acts: [...base.acts, ...acts(chance, base, ['cancel', 'read'], 4)] }
  },
  expiring: (chance) => {
    const base = everybodyAccepts(chance, chance.between(1, 2), chance.between(2, 5), 60)
    return { ...base, offers: base.offers.map((offer) => ({ ...offer, ms: chance.between(5, 70) })) }
  },
  rejected: (chance) => {
    const base = everybodyAccepts(chance, chance.between(1, 2), chance.between(2, 3))
    const rejects = base.offers.flatMap(({ trip, driver }) =>
      chance.happens(0.6) ? [{ ...act(chance, 'reject', trip, driver, 10), door: 'socket' as const }] : [],
    )
    return { ...base, acts: [...base.acts, ...rejects, ...acts(chance, base, ['read'], 2)] }
  },
  driven: (chance) => {
    const base = everybodyAccepts(chance, 1, chance.between(1, 3), 5)
    const kinds = ['arrive', 'start', 'complete', 'cancel', 'read'] as const
    const later = acts(chance, base, kinds, 10).map((one) => ({ ...one, afterMs: one.afterMs + 10 }))
    return { ...base, acts: [...base.acts, ...later] }
  },
  released: (chance) => {
    const base = everybodyAccepts(chance, chance.between(1, 2), chance.between(2, 4), 5)
    const later = acts(chance, base, ['release', 'release', 'cancel', 'accept', 'read'], 10)
    return { ...base, acts: [...base.acts, ...later.map((one) => ({ ...one, afterMs: one.afterMs + 5 }))] }
  },
  'offered late': (chance) => {
    const [trips, drivers] = [chance.between(2, 5), chance.between(1, 2)]
    const first = everybodyAccepts(chance, 1, drivers)
    const rest = pairs(trips, drivers).filter(({ trip }) => trip > 0)
    const later = rest.map(({ trip, driver }) => ({
      ...act(chance, 'offer', trip, driver, 12),
      door: 'socket' as const,
    }))
    return { trips, drivers, offers: first.offers, acts: [...first.acts, ...later] }
  },
  ...BID_SKETCHES,
  // What everybody does follows from what he is asked.
  [DISPATCHED]: (chance) => {
    const trips = chance.between(1, 5)
    return { trips, drivers: chance.between(1, 6), riders: trips, offers: [], acts: [] }
  },
  "Laravel's hand": (chance) => {
    const base = everybodyAccepts(chance, chance.between(2, 4), chance.between(1, 3))
    const kinds = ['give', 'give', 'name', 'read', 'cancel'] as const
    const more = acts(chance, base, kinds, 6).map((one) =>
      one.kind === 'read' ? one : { ...one, door: 'hand' as const },
    )
    return { ...base, acts: [...base.acts, ...more] }
  },
}

const KILL_MS = 30
const DISPATCHED_KILL_MS = 1_500
const KILL_MOMENTS = 4

/** What is done in this run: the same chance, the same plan. `only`: of this kind. */
export function drawPlan(chance: Chance, killShare: number, only?: string): Plan {
  const name = only ?? chance.pick(Object.keys(SKETCHES))
  const sketch = SKETCHES[name]
  if (sketch === undefined) throw new Error(`there is no ${name}`)
  const isKilled = chance.happens(killShare)
  const moment = chance.happens(0.7) ? chance.between(0, KILL_MOMENTS - 1) : null
  const afterMs = chance.between(0, name === DISPATCHED ? DISPATCHED_KILL_MS : KILL_MS)
  return { name, ...sketch(chance), kill: isKilled ? { afterMs, moment } : null }
}
