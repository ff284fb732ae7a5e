import { strict as assert } from 'node:assert'
import type { CommandPool, Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { inTransaction } from '../../db/transaction.ts'
import { acceptBidAndTell, placeAndTell, withdrawAndTell } from '../../src/matching/bids/perform.ts'
import { startDispatchIn } from '../../src/matching/dispatch/dispatch-store.ts'
import { rejectAndTell } from '../../src/matching/dispatch/ended-offers.ts'
import type { DispatchRules } from '../../src/matching/dispatch/settings.ts'
import { createTripIn } from '../../src/matching/trips/create.ts'
import type { TripMove } from '../../src/matching/trips/move.ts'
import {
  acceptAndTell,
  giveUpAndTell,
  type MoveTools,
  moveAndTell,
} from '../../src/matching/trips/perform.ts'
import type { DispatchPolicy } from '../../src/matching/trips/trip.ts'
import { goOffline, goOnline } from '../../src/realtime/presence/driver-duty.ts'
import type { MatchingAct } from './matching-acts.ts'
import { orderOf } from './trips.ts'

/** What a process does after a commit: it looks at these trips. */
export type Wake = (node: number, tripIds: readonly string[]) => Promise<void>

const PLACE = { zoneId: 'zone-1', category: 'car', position: { latitude: 30.0444, longitude: 31.2357 } }
const TOLD = { callbacks: true, traceId: 'trace' }

/** What riders and drivers do; each of them at one of the processes. */
export class MatchingPeople {
  readonly #pool: Pool
  readonly #nodes: readonly CommandPool[]
  readonly #rules: DispatchRules
  readonly #tools: MoveTools
  readonly #wake: Wake
  #trips = 0

  /** `pool` looks, the others act. */
  constructor(pool: Pool, nodes: readonly CommandPool[], rules: DispatchRules, wake: Wake) {
    this.#pool = pool
    this.#nodes = nodes
    this.#rules = rules
    this.#tools = { rules, callbacksOf: () => [] }
    this.#wake = wake
  }

  /** What it came to, in a word. */
  async perform(act: Exclude<MatchingAct, { kind: 'dispatch' | 'window' | 'strays' }>): Promise<string> {
    switch (act.kind) {
      case 'request':
        return this.#request(act.rider, act.policy)
      case 'accept':
      case 'reject':
        return this.#answer(act)
      case 'cancel':
        return this.#cancel(act.nth, act.by)
      case 'give up':
      case 'arrive':
      case 'start':
      case 'complete':
        return this.#drive(act.kind, act.driver)
      case 'online':
        return this.#in(act.driver, async (connection) => ({
          word: await goOnline(connection, driverId(act.driver), PLACE),
        }))
      case 'offline':
        return this.#in(act.driver, async (connection) => {
          const { wakes } = await goOffline(connection, driverId(act.driver))
          return { word: 'done', wakes }
        })
      case 'bid':
      case 'unbid':
        return this.#bid(act)
      case 'choose':
        return this.#choose(act.nth)
      default:
        return 'nothing'
    }
  }

  #request(rider: number, policy: DispatchPolicy): Promise<string> {
    this.#trips += 1
    const tripId = `trip-${String(this.#trips).padStart(4, '0')}`
    return this.#in(rider, async (connection) => {
      const order = orderOf({ tripId, customerId: `rider-${rider}`, policy })
      const creation = await createTripIn(connection, order)
      if (creation.kind === 'created') await startDispatchIn(connection, creation.trip, this.#rules)
      return { word: creation.kind, wakes: [tripId] }
    })
  }

  async #answer(act: Extract<MatchingAct, { kind: 'accept' | 'reject' }>): Promise<string> {
    const offer = await this.offerOf(act)
    if (offer === undefined) return 'nothing'
    const named = { tripId: offer.trip_id, driverId: offer.driver_id, offerId: offer.id }
    return this.#in(act.driver, async (connection) => {
      if (act.kind === 'accept') {
        const { accepted, told } = await acceptAndTell(connection, named, TOLD)
        return { word: accepted.kind, wakes: told.wakes }
      }
      const { rejected, told } = await rejectAndTell(connection, { ...named, reason: null })
      return { word: rejected.kind, wakes: told.wakes }
    })
  }

  async #cancel(nth: number, by: 'customer' | 'system'): Promise<string> {
    const trip = await this.#row('SELECT id FROM trip_requests ORDER BY id DESC LIMIT 1 OFFSET ?', [nth])
    if (trip === undefined) return 'nothing'
    return this.#move(nth, trip.id, { to: 'cancelled', by: { type: by, id: null } })
  }

  /** The ride that a driver has, or the one that he had last. */
  async #drive(kind: 'give up' | 'arrive' | 'start' | 'complete', driver: number): Promise<string> {
    const trip = await this.#row(
      `SELECT id, driver_id FROM trip_requests WHERE driver_id IS NOT NULL
       ORDER BY current_status IN ('accepted', 'ongoing') DESC, id DESC LIMIT 1 OFFSET ?`,
      [driver % 2],
    )
    if (trip === undefined) return 'nothing'
    const by = { type: 'driver', id: trip.driver_id } as const
    const { driver_id: driverId } = trip
    if (kind === 'give up')
      return this.#in(driver, async (connection) => {
        const order = { by, driverId, reason: null }
        const { moved, told } = await giveUpAndTell(connection, trip.id, order, this.#tools)
        return { word: moved.kind, wakes: told.wakes }
      })
    const to = { arrive: 'arrived', start: 'ongoing', complete: 'completed' } as const
    return this.#move(driver, trip.id, { to: to[kind], by })
  }

  #move(node: number, tripId: string, move: Pick<TripMove, 'to' | 'by'>): Promise<string> {
    return this.#in(node, async (connection) => {
      const order = { ...move, driverId: move.by.id, reason: null, finalFare: null }
      const { moved, told } = await moveAndTell(connection, tripId, order, this.#tools)
      return { word: moved.kind, wakes: told.wakes }
    })
  }

  async #bid(act: Extract<MatchingAct, { kind: 'bid' | 'unbid' }>): Promise<string> {
    const offer = await this.offerOf(act)
    if (offer === undefined) return 'nothing'
    const { trip_id: tripId, driver_id: id } = offer
    return this.#in(act.driver, async (connection) => {
      if (act.kind === 'unbid')
        return { word: (await withdrawAndTell(connection, tripId, id)).withdrawn.kind }
      const fare = { amountMinor: BigInt(act.minor), currency: 'EGP' }
      return { word: (await placeAndTell(connection, { tripId, driverId: id, fare })).placed.kind }
    })
  }

  async #choose(nth: number): Promise<string> {
    const bid = await this.#row('SELECT id, trip_id FROM trip_bids ORDER BY id DESC LIMIT 1 OFFSET ?', [nth])
    if (bid === undefined) return 'nothing'
    const choice = { tripId: bid.trip_id, customerId: null, bidId: bid.id }
    return this.#in(nth, async (connection) => {
      const { accepted, told } = await acceptBidAndTell(connection, choice, TOLD)
      return { word: accepted.kind, wakes: told.wakes }
    })
  }

  /** The nth offer of anybody, the newest first. */
  offerOf({ nth }: { readonly nth: number }): Promise<RowDataPacket | undefined> {
    return this.#row('SELECT * FROM trip_offers ORDER BY id DESC LIMIT 1 OFFSET ?', [nth])
  }

  async #row(sql: string, values: readonly unknown[]): Promise<RowDataPacket | undefined> {
    const [rows] = await this.#pool.query<RowDataPacket[]>(sql, [...values])
    return rows[0]
  }

  /** In a transaction of one process, on the moved clock; then that process looks at whom it concerns. */
  async #in(node: number, work: (connection: PoolConnection) => Promise<Did>): Promise<string> {
    const index = node % this.#nodes.length
    const pool = this.#nodes[index]
    assert.ok(pool)
    const { word, wakes = [] } = await inTransaction(pool, 'act', work)
    if (wakes.length > 0) await this.#wake(index, wakes)
    return word
  }
}

/** What an act came to, and who is to be looked at after the commit. */
interface Did {
  readonly word: string
  readonly wakes?: readonly string[] | undefined
}

export function driverId(driver: number): string {
  return `driver-${driver}`
}
