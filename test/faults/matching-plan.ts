import type { TripAct } from '../support/linearizability/trip-acts.ts'
import type { Chance } from './chance.ts'

/** One thing that somebody does, so long after the beginning. Trips and drivers by their places in the plan. */
export interface PlannedAct {
  readonly kind: Exclude<TripAct['kind'], 'unserved'> | 'offer'
  readonly afterMs: number
  readonly trip: number
  readonly driver: number
  /** http: as Laravel says it for the driver. rider: the rider's own cancellation. second: by the rider's other phone. hand: Laravel writes it into its own table. */
  readonly door: 'socket' | 'http' | 'rider' | 'second' | 'hand'
  /** again: the same is said once more when it is answered. cut: the connection goes as soon as it is said, and the same is said on
   * another one. left: it goes, and nobody asks what became of it. */
  readonly fate: 'calm' | 'again' | 'cut' | 'left'
  /** Which of the driver's bids is chosen. */
  readonly which?: 'first' | 'last'
}

export interface Plan {
  readonly name: string
  readonly trips: number
  readonly drivers: number
  /** The trips are theirs in turn; one rider, if it is not said. */
  readonly riders?: number
  /** For the first so many trips drivers bid; none, if it is not said. */
  readonly bidding?: number
  /** Who has bid for what before it begins. */
  readonly bids?: readonly { readonly trip: number; readonly driver: number }[]
  /** Who is offered what before it begins; without seconds until the deadline for as long as it takes. */
  readonly offers: readonly { readonly trip: number; readonly driver: number; readonly ms?: number }[]
  readonly acts: readonly PlannedAct[]
  /** A process is killed so long after the beginning, or at a moment of its work. */
  readonly kill: { readonly afterMs: number; readonly moment: number | null } | null
}

export type Sketch = (chance: Chance) => Omit<Plan, 'name' | 'kill'>

/** How close everything lies together, in milliseconds. */
export const WIDTHS = [0, 4, 25] as const

/** Each driver was offered each trip and accepts it, all at about the same time. */
export function everybodyAccepts(
  chance: Chance,
  trips: number,
  drivers: number,
  widthMs: number = chance.pick(WIDTHS),
): Omit<Plan, 'name' | 'kill'> {
  const offers = pairs(trips, drivers)
  const accepts = offers.map(({ trip, driver }) => act(chance, 'accept', trip, driver, widthMs))
  return { trips, drivers, offers, acts: accepts }
}

export function acts(
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

export function act(
  chance: Chance,
  kind: PlannedAct['kind'],
  trip: number,
  driver: number,
  widthMs: number,
): PlannedAct {
  return {
    ...{ kind, trip, driver, afterMs: chance.between(0, widthMs), door: doorOf(chance, kind) },
    fate: chance.pick(['calm', 'calm', 'calm', 'calm', 'again', 'again', 'cut', 'cut', 'left']),
    ...(kind === 'choose' ? { which: chance.pick(['first', 'last', 'last'] as const) } : {}),
  }
}

function doorOf(chance: Chance, kind: PlannedAct['kind']): PlannedAct['door'] {
  if (kind === 'cancel') return chance.pick(['rider', 'http'])
  if (kind === 'accept') return chance.pick(['socket', 'socket', 'http'])
  if (kind === 'choose') return chance.pick(['socket', 'second', 'http'])
  return kind === 'start' || kind === 'read' ? 'http' : 'socket'
}

export function pairs(trips: number, drivers: number): { trip: number; driver: number }[] {
  return Array.from({ length: trips * drivers }, (_, index) => ({
    trip: Math.floor(index / drivers),
    driver: index % drivers,
  }))
}
