export interface FollowedRidesOptions {
  /** Says it over the open connection until it is answered; false: there is none, or it was refused. Must not reject. */
  readonly subscribe: (rideId: string) => Promise<boolean>
  readonly unsubscribe: (rideId: string) => void
}

/** The rides whose driver's position is shown. The server forgets them with each connection, so each new one is told of them. */
export class FollowedRides {
  readonly #options: FollowedRidesOptions
  readonly #followers = new Map<string, number>()
  /** Said, and not answered. */
  readonly #asked = new Set<string>()

  constructor(options: FollowedRidesOptions) {
    this.#options = options
  }

  /** Several may follow the same ride; the last one that leaves ends it. */
  add(rideId: string): () => void {
    const count = this.#followers.get(rideId) ?? 0
    this.#followers.set(rideId, count + 1)
    if (count === 0) void this.#subscribe(rideId)
    let isOver = false
    return () => {
      if (!isOver) this.#leave(rideId)
      isOver = true
    }
  }

  connected(): void {
    for (const rideId of this.#followers.keys()) void this.#subscribe(rideId)
  }

  async #subscribe(rideId: string): Promise<void> {
    if (this.#asked.has(rideId)) return
    this.#asked.add(rideId)
    const isHeard = await this.#options.subscribe(rideId)
    this.#asked.delete(rideId)
    if (isHeard && !this.#followers.has(rideId)) this.#options.unsubscribe(rideId)
  }

  #leave(rideId: string): void {
    const left = (this.#followers.get(rideId) ?? 1) - 1
    if (left > 0) this.#followers.set(rideId, left)
    // What is not answered yet may be said again, after this.
    else if (this.#followers.delete(rideId) && !this.#asked.has(rideId)) this.#options.unsubscribe(rideId)
  }
}
