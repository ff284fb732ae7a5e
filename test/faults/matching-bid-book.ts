/** A bid of a run, by the name that the history has for it. */
export interface NamedBid {
  readonly name: string
  readonly amountMinor: number
  /** Undefined: it is not placed yet, or nobody heard of it. */
  readonly id?: string
}

/** Which bids were placed; no two have the same amount. */
export class BidBook {
  readonly #placed = new Map<string, NamedBid[]>()
  #count = 0

  /** The bid that is placed next. */
  next(): NamedBid {
    this.#count += 1
    return { name: `bid ${this.#count}`, amountMinor: 5_000 + this.#count }
  }

  note(trip: number, driver: number, bid: NamedBid | undefined, data: { readonly bidId: string }): void {
    if (bid === undefined) return
    const key = `${trip} ${driver}`
    this.#placed.set(key, [...(this.#placed.get(key) ?? []), { ...bid, id: data.bidId }])
  }

  /** The first or the last that a driver is known to have placed for a trip. */
  known(trip: number, driver: number, which: 'first' | 'last' = 'last'): NamedBid | undefined {
    const own = this.#placed.get(`${trip} ${driver}`) ?? []
    return which === 'first' ? own[0] : own.at(-1)
  }
}
