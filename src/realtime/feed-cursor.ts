/**
 * send: it is the next one. old: it was sent. wait: whoever reads from MySQL now will find it. read: something before it is
 * missing, and the caller has to read from MySQL.
 */
export type Heard = 'send' | 'old' | 'wait' | 'read'

/**
 * How far a socket is in its user's feed. It sees the numbers `next`, `next` + 1, … and no other: a number that comes early
 * says only that there is something to read, and everything up to it is read from MySQL. What Redis lost, repeats or tells
 * out of order therefore changes nothing but the way that a message takes. Pure.
 *
 *              begin()                hear(next): send
 *     reading ─────────▶ reading ┌──────────────────────┐
 *        ▲       settle(): no │  │ settle(): yes        ▼
 *        │                    └──┴─────────────────▶ live ──┐
 *        └───────── hear(next + n), learn(next + n): read ◀──┘
 */
export class FeedCursor {
  #next = 1
  /** The highest number that anybody has told of. */
  #known = 0
  /** A new connection is read for until it is greeted. */
  #isReading = true
  #epoch = 0

  /** The number to be sent next. */
  get next(): number {
    return this.#next
  }

  get isReading(): boolean {
    return this.#isReading
  }

  /** Changes when somebody sets the cursor: what was read before that must not be sent any more. */
  get epoch(): number {
    return this.#epoch
  }

  /** Redis told of this number. */
  hear(seq: number): Heard {
    if (this.#isReading) {
      if (seq > this.#known) this.#known = seq
      return 'wait'
    }
    if (seq < this.#next) return 'old'
    if (seq === this.#next) {
      this.#next += 1
      return 'send'
    }
    this.#known = seq
    this.#isReading = true
    return 'read'
  }

  /** MySQL has messages up to this one; true: some were not sent, and the caller has to read them. */
  learn(head: number): boolean {
    if (head < this.#next) return false
    if (head > this.#known) this.#known = head
    if (this.#isReading) return false
    this.#isReading = true
    return true
  }

  /** Sets the cursor: the next message is the one after `since`. The caller reads, or goes on to read. True: it has to begin. */
  restart(since: number): boolean {
    const hadToBegin = !this.#isReading
    this.#next = since + 1
    this.#isReading = true
    this.#epoch += 1
    return hadToBegin
  }

  /** What was read up to this number is sent. */
  sent(seq: number): void {
    this.#next = seq + 1
  }

  /** MySQL's head as it was read with the last page: what is beyond it is nowhere. True: everything known is sent; live. */
  settle(head: number): boolean {
    if (this.#next <= head) return false
    // Heard of while the page was read, and not in it: there may be more by now.
    if (this.#known >= this.#next) {
      this.#known = head
      return false
    }
    this.#isReading = false
    return true
  }
}
