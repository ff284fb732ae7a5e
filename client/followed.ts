/** The rides whose driver's position is shown. The server forgets them with each connection, so each new one is told of them. */
export class FollowedRides {
  readonly #tell: (event: 'customer:subscribe:ride' | 'customer:unsubscribe:ride', rideId: string) => void
  readonly #followers = new Map<string, number>()

  constructor(
    tell: (event: 'customer:subscribe:ride' | 'customer:unsubscribe:ride', rideId: string) => void,
  ) {
    this.#tell = tell
  }

  /** Several may follow the same ride; the last one that leaves ends it. */
  add(rideId: string): () => void {
    const count = this.#followers.get(rideId) ?? 0
    this.#followers.set(rideId, count + 1)
    if (count === 0) this.#tell('customer:subscribe:ride', rideId)
    let isOver = false
    return () => {
      if (!isOver) this.#leave(rideId)
      isOver = true
    }
  }

  connected(): void {
    for (const rideId of this.#followers.keys()) this.#tell('customer:subscribe:ride', rideId)
  }

  #leave(rideId: string): void {
    const left = (this.#followers.get(rideId) ?? 1) - 1
    if (left > 0) this.#followers.set(rideId, left)
    else if (this.#followers.delete(rideId)) this.#tell('customer:unsubscribe:ride', rideId)
  }
}
