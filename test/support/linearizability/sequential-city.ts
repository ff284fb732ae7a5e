import type { TripAct, TripAnswer, TripOperation } from './trip-acts.ts'

/** An act with its times: called at `atMs`, in effect so long after, answered so long after that. */
export interface PlayedStep {
  readonly act: TripAct
  readonly atMs: number
  readonly effectMs: number
  readonly answerMs: number
  /** lost: it took effect and nobody heard. undone: it did not. */
  readonly fate: 'heard' | 'lost' | 'undone'
}

interface Trip {
  status: string
  driverId: string | null
  /** Who had it, and who has it. */
  readonly had: Set<string>
  readonly rejected: Set<string>
  readonly bids: { readonly bid: string; readonly driverId: string; state: string }[]
}

/**
 * Trips and drivers in plain memory, one act after the other, written without a look at the specification: what it tells must
 * always be possible.
 */
export class SequentialCity {
  readonly #trips = new Map<string, Trip>()

  /** Performs the steps in the order in which they take effect; returns what a client would have seen. */
  play(steps: readonly PlayedStep[]): TripOperation[] {
    const inOrder = steps.toSorted((x, y) => x.atMs + x.effectMs - (y.atMs + y.effectMs))
    return inOrder.map((step) => {
      const { act, atMs, effectMs, answerMs, fate } = step
      if (fate === 'undone') return { act, callMs: atMs, heard: null }
      const answer = this.#perform(act)
      if (fate === 'lost') return { act, callMs: atMs, heard: null }
      return { act, callMs: atMs, heard: { answer, returnMs: atMs + effectMs + answerMs } }
    })
  }

  #perform(act: TripAct): TripAnswer {
    const trip = this.#trip(act.tripId)
    const word = this.#wordOf(act, trip)
    if (word !== 'ok') return { word }
    return { word, stands: { status: trip.status, driverId: trip.driverId } }
  }

  #wordOf(act: TripAct, trip: Trip): string {
    switch (act.kind) {
      case 'read':
        return 'ok'
      case 'accept':
      case 'give':
        return this.#accept(trip, act.driverId, null)
      case 'bid':
        return this.#bid(trip, act.driverId, act.bid)
      case 'unbid':
        return unbid(trip, act.driverId)
      case 'choose':
        return this.#choose(trip, act.driverId, act.bid)
      case 'reject':
        if (trip.driverId === act.driverId) return 'trip_taken'
        trip.rejected.add(act.driverId)
        close(trip, act.driverId, 'withdrawn')
        return 'ok'
      case 'cancel':
        return end(trip)
      case 'unserved':
        return trip.status === 'pending' && trip.driverId === null ? end(trip) : REFUSED
      case 'release':
        return trip.driverId === act.driverId ? release(trip) : 'trip_unknown'
      case 'name':
        if (trip.status !== 'pending') return REFUSED
        if (trip.driverId !== null) return 'trip_taken'
        trip.driverId = act.driverId
        return 'ok'
      case 'arrive':
      case 'start':
      case 'complete':
        return trip.driverId === act.driverId ? drive(trip, act.kind) : 'trip_unknown'
    }
  }

  #bid(trip: Trip, driverId: string, bid: string): string {
    if (trip.rejected.has(driverId)) return 'offer_closed'
    if (trip.status !== 'pending' || trip.driverId !== null) return 'trip_taken'
    const others = [...this.#trips.values()].filter((one) => one !== trip)
    if (others.some((one) => one.driverId === driverId && ACTIVE.includes(one.status))) return 'driver_busy'
    if (others.some(({ bids }) => bids.some((one) => one.driverId === driverId && one.state === 'live')))
      return 'bid_elsewhere'
    if (trip.bids.some((one) => one.bid === bid && one.state === 'live')) return 'ok'
    close(trip, driverId, 'replaced')
    trip.bids.push({ bid, driverId, state: 'live' })
    return 'ok'
  }

  #choose(trip: Trip, driverId: string, bid: string): string {
    const state = trip.bids.findLast((one) => one.bid === bid)?.state
    if (state === undefined) return 'bid_unknown'
    if (state === 'chosen' && trip.driverId === driverId && trip.status !== 'cancelled') return 'ok'
    if (trip.status === 'cancelled') return REFUSED
    if (state === 'withdrawn' || state === 'replaced') return 'bid_closed'
    if (state === 'live') return this.#accept(trip, driverId, bid)
    return waits(trip) ? 'bid_closed' : 'trip_taken'
  }

  #accept(trip: Trip, driverId: string, bid: string | null): string {
    const { status } = trip
    if (trip.driverId === driverId && status !== 'pending') return status === 'cancelled' ? REFUSED : 'ok'
    if (trip.rejected.has(driverId)) return 'offer_closed'
    if (trip.driverId !== null || trip.had.has(driverId)) return 'trip_taken'
    if (status !== 'pending') return REFUSED
    const isBusy = [...this.#trips.values()].some(
      (one) => one.driverId === driverId && ACTIVE.includes(one.status),
    )
    if (isBusy) return 'driver_busy'
    trip.status = 'accepted'
    trip.driverId = driverId
    trip.had.add(driverId)
    for (const one of trip.bids) if (one.state === 'live') one.state = one.bid === bid ? 'chosen' : 'lost'
    for (const other of this.#trips.values()) close(other, driverId, 'withdrawn')
    return 'ok'
  }

  #trip(id: string): Trip {
    let trip = this.#trips.get(id)
    if (trip === undefined) {
      trip = { status: 'pending', driverId: null, had: new Set(), rejected: new Set(), bids: [] }
      this.#trips.set(id, trip)
    }
    return trip
  }
}

const REFUSED = 'transition_not_allowed'
const ACTIVE = ['accepted', 'ongoing']

/** Whatever he has bid and is live. */
function close(trip: Trip, driverId: string, state: 'withdrawn' | 'replaced'): void {
  for (const one of trip.bids) if (one.driverId === driverId && one.state === 'live') one.state = state
}

/** Of a trip that was somebody's: he gave it back. */
function waits({ status, driverId }: Trip): boolean {
  return status === 'pending' && driverId === null
}

function unbid(trip: Trip, driverId: string): string {
  const last = trip.bids.findLast((one) => one.driverId === driverId)
  if (last === undefined) return 'bid_unknown'
  if (last.state === 'chosen') return waits(trip) ? 'ok' : 'bid_accepted'
  close(trip, driverId, 'withdrawn')
  return 'ok'
}

function end(trip: Trip): string {
  if (trip.status === 'completed') return REFUSED
  trip.status = 'cancelled'
  for (const one of trip.bids) if (one.state === 'live') one.state = 'lost'
  return 'ok'
}

function release(trip: Trip): string {
  if (trip.status !== 'accepted') return end(trip)
  trip.status = 'pending'
  trip.driverId = null
  return 'ok'
}

function drive(trip: Trip, kind: 'arrive' | 'start' | 'complete'): string {
  const from = { arrive: ['accepted'], start: ['accepted', 'ongoing'], complete: ['ongoing', 'completed'] }[
    kind
  ]
  if (!from.includes(trip.status)) return REFUSED
  if (kind === 'start') trip.status = 'ongoing'
  if (kind === 'complete') trip.status = 'completed'
  return 'ok'
}
