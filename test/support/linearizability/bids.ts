/** A driver's bid for a trip, by the name that the storm gave it. */
export interface StoodBid {
  readonly bid: string
  readonly driverId: string
  /** lost: another driver has the trip. withdrawn: he took it back, rejected the offer or took another trip. */
  readonly state: 'live' | 'lost' | 'withdrawn' | 'replaced' | 'chosen'
}

export type StoodBids = readonly StoodBid[]

export function hasLiveBid(bids: StoodBids, driverId: string): boolean {
  return bids.some((one) => one.driverId === driverId && one.state === 'live')
}

/** Another bid takes the place of his own live one; the same one again is the same one. */
export function withBid(bids: StoodBids, driverId: string, bid: string): StoodBids {
  if (bids.some((one) => one.bid === bid && one.state === 'live')) return bids
  return [...ended(bids, driverId, 'replaced'), { bid, driverId, state: 'live' }]
}

/** Null: he never bid, or his last bid was chosen. */
export function withoutBid(bids: StoodBids, driverId: string): StoodBids | null {
  const last = bids.findLast((one) => one.driverId === driverId)
  return last === undefined || last.state === 'chosen' ? null : withdrawn(bids, driverId)
}

export function withdrawn(bids: StoodBids, driverId: string): StoodBids {
  return ended(bids, driverId, 'withdrawn')
}

/** The trip has a driver, by this bid (null: by none), or is over: whatever is live is lost. */
export function decided(bids: StoodBids, chosen: string | null): StoodBids {
  if (!bids.some(({ state }) => state === 'live')) return bids
  return bids.map((one) =>
    one.state === 'live' ? { ...one, state: one.bid === chosen ? 'chosen' : 'lost' } : one,
  )
}

export function stateOfBid(bids: StoodBids, bid: string): StoodBid['state'] | null {
  return bids.findLast((one) => one.bid === bid)?.state ?? null
}

function ended(bids: StoodBids, driverId: string, state: StoodBid['state']): StoodBids {
  if (!hasLiveBid(bids, driverId)) return bids
  return bids.map((one) => (one.driverId === driverId && one.state === 'live' ? { ...one, state } : one))
}
