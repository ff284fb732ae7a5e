import type { Chance } from './chance.ts'
import { act, acts, type Plan, type PlannedAct, pairs, type Sketch, WIDTHS } from './matching-plan.ts'

/** Drivers who bid, and riders with two phones each. */
export const BID_SKETCHES: Readonly<Record<string, Sketch>> = {
  // Two bids are chosen at once, and one is chosen twice.
  'bids chosen': (chance) => {
    const base = everybodyBids(chance, chance.between(1, 2), chance.between(2, 5))
    return { ...base, acts: [...choices(chance, base, 4), ...acts(chance, base, ['choose', 'read'], 4)] }
  },
  'bids taken back': (chance) => {
    const base = everybodyBids(chance, chance.between(1, 3), chance.between(1, 4))
    const more = acts(chance, base, ['unbid', 'unbid', 'bid', 'choose', 'reject'], 10)
    return { ...base, acts: [...choices(chance, base, 2), ...more] }
  },
  // He bids here and there, and accepts a ride besides; each of the riders takes what he has of him.
  'one bidder': (chance) => {
    const base = everybodyBids(chance, chance.between(2, 4), 1)
    const { bidding } = base
    const trips = bidding + chance.between(0, 1)
    const more = acts(chance, base, ['unbid', 'bid', 'bid', 'choose', 'choose'], 14)
    const ride = trips > bidding ? [act(chance, 'offer', bidding, 0, 20)] : []
    const all = [
      ...choices(chance, base, 2),
      ...more,
      ...ride.map((one) => ({ ...one, door: 'http' as const })),
    ]
    return { ...base, trips, acts: all }
  },
  'bids expiring': (chance) => {
    const base = everybodyBids(chance, 1, chance.between(1, 4))
    const offers = base.offers.map((offer) => ({ ...offer, ms: chance.between(120, 320) }))
    const more = acts(chance, base, ['choose', 'choose', 'bid', 'unbid', 'choose'], 10)
    const late = more.map((one) => ({ ...one, afterMs: one.afterMs + chance.between(0, 200) }))
    return { ...base, offers, acts: late }
  },
  'bids and cancellations': (chance) => {
    const base = everybodyBids(chance, chance.between(1, 2), chance.between(2, 4))
    const kinds = ['cancel', 'release', 'release', 'reject', 'bid', 'choose', 'read'] as const
    return { ...base, acts: [...choices(chance, base, 2), ...acts(chance, base, kinds, 8)] }
  },
}

type Bidding = Omit<Plan, 'name' | 'kill' | 'acts'> & { readonly bidding: number }

/** Each driver was asked for each trip, and has bid for one. */
function everybodyBids(chance: Chance, trips: number, drivers: number): Bidding {
  const riders = chance.between(1, trips)
  const bids = Array.from({ length: drivers }, (_, driver) => ({
    trip: chance.between(0, trips - 1),
    driver,
  }))
  return { trips, drivers, riders, bidding: trips, offers: pairs(trips, drivers), bids }
}

/** So many choices of each bid at most, all at about the same time. */
function choices(chance: Chance, { bids = [] }: Bidding, most: number): PlannedAct[] {
  const width = chance.pick(WIDTHS)
  return bids.flatMap(({ trip, driver }) =>
    Array.from({ length: chance.between(0, most) }, () => act(chance, 'choose', trip, driver, width)),
  )
}
