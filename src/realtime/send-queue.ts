/** A message to a socket: its frame, shared with every other socket that gets it, and what may become of it on the way. */
export type Outgoing =
  /** A message of the feed, a reply, or the session's own word: never dropped. */
  | { readonly kind: 'kept'; readonly frame: Buffer }
  /** For whoever listens at this moment. */
  | { readonly kind: 'ephemeral'; readonly frame: Buffer }
  /** Worth nothing after its end (wall clock, milliseconds). */
  | { readonly kind: 'offer'; readonly frame: Buffer; readonly expiresAtMs: number }
  /** Replaces what is still unsent under the same key. */
  | { readonly kind: 'latest'; readonly frame: Buffer; readonly key: string }

export type OutgoingKind = Outgoing['kind']

/**
 * What a socket that does not read may hold, in bytes of each class, beside the 64 KiB that Node itself buffers. A frame
 * counts in full, though sockets share it.
 */
export const BUDGET_BYTES: Readonly<Record<OutgoingKind, number>> = {
  kept: 512 * 1024,
  offer: 64 * 1024,
  ephemeral: 64 * 1024,
  latest: 64 * 1024,
}

/**
 * Short buffers are parts of a block of 8 KiB, which stays whole as long as one of them is kept: what waits here would hold forty times
 * what it counts. Long ones have a block of their own and are shared with all sockets.
 */
function alone(frame: Buffer): Buffer {
  if (frame.buffer.byteLength <= frame.length * 2) return frame
  const copy = Buffer.allocUnsafeSlow(frame.length)
  frame.copy(copy)
  return copy
}

/** Hears what was given up for want of room or time, for metrics. */
export type Dropped = (kind: OutgoingKind, count: number) => void

/**
 * What waits for one slow socket. The classes have budgets of their own, so that none can take another's room; what is kept
 * overtakes offers, offers what is ephemeral, and positions come last, the newest of each key.
 */
export class SendQueue {
  readonly #kept: Buffer[] = []
  readonly #offers: { frame: Buffer; expiresAtMs: number }[] = []
  readonly #ephemeral: Buffer[] = []
  readonly #latest = new Map<string, Buffer>()
  readonly #used: Record<OutgoingKind, number> = { kept: 0, offer: 0, ephemeral: 0, latest: 0 }
  readonly #dropped: Dropped

  constructor(dropped: Dropped) {
    this.#dropped = dropped
  }

  /** In all classes together. */
  get bytes(): number {
    const { kept, offer, ephemeral, latest } = this.#used
    return kept + offer + ephemeral + latest
  }

  get isEmpty(): boolean {
    return this.bytes === 0
  }

  /** False: a message that must not be dropped has no room, so the socket is too slow. */
  add(message: Outgoing): boolean {
    const { kind } = message
    const frame = alone(message.frame)
    if (kind === 'kept') {
      if (this.#used.kept + frame.length > BUDGET_BYTES.kept) return false
      this.#kept.push(frame)
      this.#used.kept += frame.length
      return true
    }
    if (frame.length > BUDGET_BYTES[kind]) {
      this.#dropped(kind, 1)
      return true
    }
    if (kind === 'latest') this.#replace(message.key, frame)
    else if (kind === 'offer') this.#offers.push({ frame, expiresAtMs: message.expiresAtMs })
    else this.#ephemeral.push(frame)
    this.#used[kind] += frame.length
    this.#makeRoom(kind)
    return true
  }

  /** The next message to write, at this moment of the wall clock; undefined: nothing is left. */
  take(nowMs: number): Buffer | undefined {
    const frame = this.#kept.shift()
    if (frame !== undefined) return this.#taken('kept', frame)
    for (let offer = this.#offers.shift(); offer !== undefined; offer = this.#offers.shift()) {
      this.#taken('offer', offer.frame)
      if (offer.expiresAtMs > nowMs) return offer.frame
      this.#dropped('offer', 1)
    }
    const ephemeral = this.#ephemeral.shift()
    if (ephemeral !== undefined) return this.#taken('ephemeral', ephemeral)
    for (const [key, latest] of this.#latest) {
      this.#latest.delete(key)
      return this.#taken('latest', latest)
    }
    return undefined
  }

  #replace(key: string, frame: Buffer): void {
    const old = this.#latest.get(key)
    if (old !== undefined) {
      this.#used.latest -= old.length
      this.#dropped('latest', 1)
    }
    // A position that is told anew goes to the end of the queue, so that the drivers take turns.
    this.#latest.delete(key)
    this.#latest.set(key, frame)
  }

  /** The oldest goes: what is newer is worth more. */
  #makeRoom(kind: 'offer' | 'ephemeral' | 'latest'): void {
    while (this.#used[kind] > BUDGET_BYTES[kind]) {
      const oldest = this.#oldestOf(kind)
      if (oldest === undefined) return
      this.#taken(kind, oldest)
      this.#dropped(kind, 1)
    }
  }

  #oldestOf(kind: 'offer' | 'ephemeral' | 'latest'): Buffer | undefined {
    if (kind === 'offer') return this.#offers.shift()?.frame
    if (kind === 'ephemeral') return this.#ephemeral.shift()
    for (const [key, frame] of this.#latest) {
      this.#latest.delete(key)
      return frame
    }
    return undefined
  }

  #taken(kind: OutgoingKind, frame: Buffer): Buffer {
    this.#used[kind] -= frame.length
    return frame
  }
}
