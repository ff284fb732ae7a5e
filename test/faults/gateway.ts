import { setTimeout as pause } from 'node:timers/promises'
import { isConnectionLost } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import { registerPayment } from '../../src/payments/register.ts'
import { wakeParked } from '../../src/webhooks/park.ts'
import type { Story, Telling } from './story.ts'

/** Where the nodes answer at this moment; 0 for one that is down. */
export type Ports = () => readonly number[]

/** What the senders saw, to know afterwards that the faults did happen. */
export interface Sightings {
  sent: number
  connectionErrors: number
  /** Answers of 500 and above. */
  refusals: number
  /** Sent again after an error, and it was not there: the process had died before its commit. */
  storedByRetry: number
  /** Sent again after an error, and it was there: the process had died between its commit and its answer. */
  foundByRetry: number
}

/** Like a gateway: sends until it is answered with 200, to any node, and sometimes again although it was. */
export class Gateway {
  readonly #ports: Ports
  readonly #pool: Pool
  readonly sightings: Sightings = {
    sent: 0,
    connectionErrors: 0,
    refusals: 0,
    storedByRetry: 0,
    foundByRetry: 0,
  }

  /** How long each acknowledgement took. */
  readonly #ackMs: number[] = []

  constructor(ports: Ports, pool: Pool) {
    this.#ports = ports
    this.#pool = pool
  }

  /** What half of the acknowledgements since the last question took at most, in milliseconds. */
  medianAckMs(): number {
    const sorted = this.#ackMs.splice(0).sort((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? 0
  }

  /** Plays a payment's story to its end: everything acknowledged (or given up) and the payment registered. */
  async play(story: Story, firstNode: number): Promise<void> {
    if (story.registration === 'first') await this.#register(story)
    const acts = story.tellings.map((telling, index) => () => this.#tell(telling, firstNode + index))
    const half = acts.length >> 1
    if (story.registration !== 'first') acts.splice(half, 0, () => this.#register(story))
    if (story.atOnce) await Promise.all(acts.map((act) => act()))
    else for (const act of acts) await act()
  }

  /** Asks again while the database is away, as the caller of an idempotent command does. */
  async #register(story: Story): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      try {
        return await this.#registerOnce(story, attempt > 0)
      } catch (error) {
        if (!isConnectionLost(error)) throw error
        await pause(MAX_RETRY_PAUSE_MS)
      }
    }
    throw new Error(`${story.merchantRef} was not registered in ${MAX_ATTEMPTS} attempts`)
  }

  async #registerOnce(story: Story, isRepeated: boolean): Promise<void> {
    const { gateway, merchantRef, gatewayRef, amountMinor, currency, customerId, driverId } = story
    const ids = { tripId: null, customerId, driverId }
    const expected = { gateway, account: 'default', merchantRef, gatewayRef, amountMinor, currency, ...ids }
    const { kind } = await registerPayment(this.#pool, expected, async (refKeys) => {
      if (story.registration !== 'forgotten') await wakeParked(this.#pool, refKeys)
    })
    if (kind === 'created' || (kind === 'existing' && isRepeated)) return
    throw new Error(`${merchantRef} could not be registered: ${kind}`)
  }

  async #tell(telling: Telling, node: number): Promise<void> {
    if (telling.repeats === 'at_once') {
      await Promise.all([
        this.#sendUntilAcknowledged(telling, node),
        this.#sendUntilAcknowledged(telling, node + 1),
      ])
      return
    }
    const acknowledged = await this.#sendUntilAcknowledged(telling, node)
    if (telling.repeats === 'after' && acknowledged) await this.#sendUntilAcknowledged(telling, node + 1)
  }

  /** Every try goes to the next node. False: it gave up. */
  async #sendUntilAcknowledged(telling: Telling, firstNode: number): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const answer = await this.#send(telling, firstNode + attempt)
      if (answer !== null) {
        this.#hear(telling, answer, attempt)
        return true
      }
      if (telling.givesUp) return false
      await pause(Math.min(RETRY_PAUSE_MS * attempt, MAX_RETRY_PAUSE_MS))
    }
    throw new Error(`${telling.eventId} was not acknowledged in ${MAX_ATTEMPTS} attempts`)
  }

  async #send(telling: Telling, node: number): Promise<Acknowledgement | null> {
    const ports = this.#ports()
    const { path, headers, body } = telling.delivery
    this.sightings.sent += 1
    const startedMs = performance.now()
    try {
      const response = await fetch(`http://127.0.0.1:${ports[node % ports.length]}${path}`, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      })
      const text = await response.text()
      if (response.status === 200) {
        this.#ackMs.push(performance.now() - startedMs)
        return JSON.parse(text) as Acknowledgement
      }
      if (response.status < 500)
        throw new Refused(`${telling.eventId} was refused: ${response.status} ${text}`)
      this.sightings.refusals += 1
    } catch (error) {
      if (error instanceof Refused) throw error
      this.sightings.connectionErrors += 1
    }
    return null
  }

  /** An acknowledged event may never be new again, and it is one row for ever. */
  #hear(telling: Telling, { verdict, eventIds }: Acknowledgement, attempt: number): void {
    const [rowId = '', ...more] = eventIds
    if (verdict === 'stored') telling.stored += 1
    telling.rowIds.add(rowId)
    if (attempt > 0 && verdict === 'stored') this.sightings.storedByRetry += 1
    if (attempt > 0 && verdict === 'duplicate') this.sightings.foundByRetry += 1
    const isRight = (verdict === 'stored' || verdict === 'duplicate') && more.length === 0
    if (!isRight || telling.stored > 1 || telling.rowIds.size > 1) {
      throw new Error(
        `${telling.eventId} was acknowledged as ${verdict}, ${telling.stored} times stored, rows ${[...telling.rowIds]}`,
      )
    }
  }
}

interface Acknowledgement {
  readonly verdict: string
  readonly eventIds: readonly string[]
}

class Refused extends Error {}

const MAX_ATTEMPTS = 2_000
const RETRY_PAUSE_MS = 2
const MAX_RETRY_PAUSE_MS = 50
const ANSWER_TIMEOUT_MS = 10_000
