import type { TripAct } from '../support/linearizability/trip-acts.ts'
import type { Chance } from './chance.ts'

/** One thing that somebody does, so long after the beginning. Trips and drivers by their places in the plan. */
export interface PlannedAct {
  readonly kind: Exclude<TripAct['kind'], 'read'> | 'read' | 'offer'
  readonly afterMs: number
  readonly trip: number
  readonly driver: number
  /** http: as Laravel says it for the driver. rider: the rider's own cancellation. hand: Laravel writes it into its own table. */
  readonly door: 'socket' | 'http' | 'rider' | 'hand'
  /** again: the same is said once more when it is answered. cut: the connection goes as soon as it is said, and the same is said on
   * another one. left: it goes, and nobody asks what became of it. */
  readonly fate: 'calm' | 'again' | 'cut' | 'left'
}

export interface Plan {
  readonly name: string
  readonly trips: number
  readonly drivers: number
  /** Who is offered what before it begins; without seconds until the deadline for as long as it takes. */
  readonly offers: readonly { readonly trip: number; readonly driver: number; readonly ms?: number }[]
  readonly acts: readonly PlannedAct[]
  /** A process is killed so long after the beginning, or at a moment of its work. */
  readonly kill: { readonly afterMs: number; readonly moment: number | null } | null
}

type Sketch = (chance: Chance) => Omit<Plan, 'name' | 'kill'>

/** How close everything lies together, in milliseconds. */
const WIDTHS = [0, 4, 25] as const

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
const KILL_MOMENTS = 4

/** What is done in this run: the same chance, the same plan. `only`: of this kind. */
export function drawPlan(chance: Chance, killShare: number, only?: string): Plan {
  const name = only ?? chance.pick(Object.keys(SKETCHES))
  const sketch = SKETCHES[name]
  if (sketch === undefined) throw new Error(`there is no ${name}`)
  const isKilled = chance.happens(killShare)
  const moment = chance.happens(0.7) ? chance.between(0, KILL_MOMENTS - 1) : null
  const afterMs = chance.between(0, KILL_MS)
  return { name, ...sketch(chance), kill: isKilled ? { afterMs, moment } : null }
}

/** Each driver was offered each trip and accepts it, all at about the same time. */
function everybodyAccepts(
  chance: Chance,
  trips: number,
  drivers: number,
  widthMs: number = chance.pick(WIDTHS),
): Omit<Plan, 'name' | 'kill'> {
  const offers = pairs(trips, drivers)
  const accepts = offers.map(({ trip, driver }) => act(chance, 'accept', trip, driver, widthMs))
  return { trips, drivers, offers, acts: accepts }
}

function acts(
  chance: Chance,
  { trips, drivers }: Pick<Plan, 'trips' | 'drivers'>,
  kinds: readonly PlannedAct['kind'][],
  most: number,
): PlannedAct[] {
  const width = chance.pick(WIDTHS)
  return Array.from({ length: chance.between(1, most) }, () =>
    act(chance, chance.pick(kinds), chance.between(0, trips - 1), chance.between(0, drivers - 1), width),
  )
}

function act(
  chance: Chance,
  kind: PlannedAct['kind'],
  trip: number,
  driver: number,
  widthMs: number,
): PlannedAct {
  return {
    ...{ kind, trip, driver, afterMs: chance.between(0, widthMs), door: doorOf(chance, kind) },
    fate: chance.pick(['calm', 'calm', 'calm', 'calm', 'again', 'again', 'cut', 'cut', 'left']),
  }
}

function doorOf(chance: Chance, kind: PlannedAct['kind']): PlannedAct['door'] {
  if (kind === 'cancel') return chance.pick(['rider', 'http'])
  if (kind === 'accept') return chance.pick(['socket', 'socket', 'http'])
  return kind === 'start' || kind === 'read' ? 'http' : 'socket'
}

function pairs(trips: number, drivers: number): { trip: number; driver: number }[] {
  return Array.from({ length: trips * drivers }, (_, index) => ({
    trip: Math.floor(index / drivers),
    driver: index % drivers,
  }))
}
