import { CAIRO, type City, roadMeters, travelMs } from '../../simulation/city.ts'
import type { RideRequest } from '../../simulation/demand.ts'
import { answerOf, bidOf, type DriverPlan } from '../../simulation/driver-model.ts'
import type { Random } from '../../simulation/random.ts'
import type { DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import { Agenda } from './agenda.ts'
import { Cab } from './cab.ts'
import { Dispatching } from './dispatching.ts'
import { Optimum } from './optimum.ts'
import { type MadeOffer, Search, type SearchEnd } from './search.ts'

/** From a decision to the driver's screen. */
const DELIVERY_MS = 150
/** Until the passenger sits. */
const BOARDING_MEAN_MS = 40_000
/** So long a rider looks at bids before he takes the cheapest. */
const CHOOSING_MS = 15_000

export interface Trace {
  readonly requests: readonly RideRequest[]
  readonly fleet: readonly DriverPlan[]
  readonly random: Random
}

interface Bid {
  readonly offer: MadeOffer
  readonly amountMinor: number
}

/** An evening of a city: riders ask, drivers answer, drive, and have phones that are not always there. Whoever is asked says dispatch. */
export class Town {
  readonly city: City = CAIRO
  readonly agenda = new Agenda()
  readonly searches: readonly Search[]
  readonly cabs: readonly Cab[]
  readonly optimum: Optimum
  readonly #random: Random
  readonly #dispatching: Dispatching
  readonly #bids = new Map<Search, Bid[]>()

  constructor({ requests, fleet, random }: Trace, settings: DispatchSettings) {
    this.#random = random
    this.searches = requests.map((request) => new Search(request))
    this.cabs = fleet.map((plan) => new Cab(this.city, plan, random.split('cab', plan.index)))
    this.optimum = new Optimum(settings.windowMs)
    this.#dispatching = new Dispatching(this, settings)
    for (const search of this.searches) this.agenda.at(search.request.atMs, () => this.#ask(search))
    for (const cab of this.cabs) this.#planBreaks(cab)
  }

  run(): void {
    this.agenda.run()
  }

  /** The offer is under way to the driver's phone. */
  deliver(offer: MadeOffer): void {
    const { cab, search, expiresAtMs } = offer
    const arrivesMs = this.agenda.nowMs + DELIVERY_MS
    const seenMs = Math.max(arrivesMs, cab.outageAt(this.agenda.nowMs)?.toMs ?? 0)
    if (seenMs >= expiresAtMs) return
    this.agenda.at(seenMs, () => {
      const times = search.offers.filter((other) => other.cab === cab).length
      const random = this.#random.split('answer', cab.plan.index, search.request.index, times)
      const meters = roadMeters(cab.pointAt(seenMs), search.request.pickup)
      const { kind, afterMs } = answerOf(cab.plan, meters, random)
      if (kind === 'ignore') return
      const bid = bidOf(search.request.estimatedFareMinor, meters, random)
      this.agenda.after(afterMs, () => this.#answer(offer, kind, bid))
    })
  }

  end(search: Search, how: SearchEnd): void {
    search.state = 'over'
    search.end = how
    this.#dispatching.withdraw(search, 'withdrawn')
    this.#dropBids(search)
  }

  #ask(search: Search): void {
    this.#dispatching.begin(search)
    this.#planImpatience(search)
  }

  #planImpatience(search: Search): void {
    const { sinceMs, request } = search
    this.agenda.at(sinceMs + request.patienceMs, () => {
      if (search.state === 'waiting' && search.sinceMs === sinceMs) this.end(search, 'impatient')
    })
  }

  #answer(offer: MadeOffer, kind: 'accept' | 'reject', amountMinor: number): void {
    const { cab } = offer
    if (offer.state !== 'offered' || cab.isBusy || cab.isOnBreak) return
    if (cab.outageAt(this.agenda.nowMs) !== null) return
    if (kind === 'reject') {
      cab.noteAnswer(false)
      this.#dispatching.rejected(offer)
    } else if (this.#dispatching.settings.policy === 'bidding') this.#bid({ offer, amountMinor })
    else this.#match(offer)
  }

  #bid(bid: Bid): void {
    const { cab, search } = bid.offer
    if (cab.bid !== null) return
    cab.bid = search.tripId
    bid.offer.hasBid = true
    const bids = this.#bids.get(search) ?? []
    this.#bids.set(search, [...bids, bid])
    if (search.isChoosing) return
    search.isChoosing = true
    this.agenda.after(CHOOSING_MS, () => this.#choose(search))
  }

  #choose(search: Search): void {
    search.isChoosing = false
    if (search.state !== 'waiting') return
    const bids = (this.#bids.get(search) ?? []).toSorted((a, b) => a.amountMinor - b.amountMinor)
    const best = bids.find(({ offer }) => !offer.cab.isBusy && !offer.cab.isOnBreak)
    if (best === undefined) this.#dropBids(search)
    else this.#match(best.offer)
  }

  #dropBids(search: Search): void {
    for (const { offer } of this.#bids.get(search) ?? []) offer.cab.bid = null
    this.#bids.delete(search)
  }

  #match(offer: MadeOffer): void {
    const { cab, search } = offer
    const { nowMs } = this.agenda
    this.#dropBids(search)
    this.#dispatching.accepted(offer)
    cab.noteAnswer(true)
    const from = cab.pointAt(nowMs)
    const { pickup } = search.request
    Object.assign(search, { state: 'matched', cab, matchedAtMs: nowMs, decidedAtMs: offer.madeAtMs })
    search.pickupMeters = roadMeters(from, pickup)
    cab.begin()
    const wayMs = travelMs(from, pickup, cab.plan.speedKmh)
    const random = this.#random.split('ride', cab.plan.index, search.request.index)
    if (random.chance(cab.plan.givesUp)) this.#planGivingUp(search, nowMs, random.between(0, wayMs), wayMs)
    else this.agenda.after(wayMs, () => this.#pickUp(search, nowMs, random.exponential(BOARDING_MEAN_MS)))
    this.#planRegret(search)
  }

  #planGivingUp(search: Search, matchedAtMs: number, afterMs: number, wayMs: number): void {
    this.agenda.after(afterMs, () => {
      if (search.state !== 'matched' || search.matchedAtMs !== matchedAtMs || search.cab === null) return
      const { cab } = search
      this.#free(search, wayMs === 0 ? 1 : afterMs / wayMs, matchedAtMs)
      search.gaveUp.add(cab.id)
      search.begin(this.agenda.nowMs)
      this.#dispatching.begin(search)
      this.#planImpatience(search)
    })
  }

  #planRegret(search: Search): void {
    const { regretMs } = search.request
    const { matchedAtMs } = search
    if (regretMs === null || matchedAtMs === null) return
    this.agenda.after(regretMs, () => {
      if (search.state !== 'matched' || search.matchedAtMs !== matchedAtMs || search.pickedUpAtMs !== null)
        return
      this.#free(search, 0.5, matchedAtMs)
      this.end(search, 'changed_mind')
    })
  }

  /** He is somewhere on his way to the rider, and has nobody to drive any more. */
  #free(search: Search, part: number, matchedAtMs: number): void {
    const { cab } = search
    if (cab === null) return
    const { nowMs } = this.agenda
    const from = cab.pointAt(matchedAtMs)
    const { pickup } = search.request
    const point = { x: from.x + (pickup.x - from.x) * part, y: from.y + (pickup.y - from.y) * part }
    cab.end(point, nowMs, nowMs - matchedAtMs)
    this.#dispatching.freed()
  }

  #pickUp(search: Search, matchedAtMs: number, boardingMs: number): void {
    if (search.state !== 'matched' || search.matchedAtMs !== matchedAtMs || search.cab === null) return
    const { cab, request } = search
    search.pickedUpAtMs = this.agenda.nowMs
    const rideMs = travelMs(request.pickup, request.destination, cab.plan.speedKmh)
    this.agenda.after(boardingMs + rideMs, () => {
      cab.end(request.destination, this.agenda.nowMs, this.agenda.nowMs - matchedAtMs)
      search.state = 'over'
      search.end = 'completed'
      this.optimum.note(search)
      this.#dispatching.freed()
    })
  }

  /** Nobody rests with a passenger on board. */
  #planBreaks(cab: Cab): void {
    for (const { fromMs, toMs } of cab.plan.outages.filter(({ kind }) => kind === 'break')) {
      this.agenda.at(fromMs, () => {
        if (cab.isBusy) return
        cab.isOnBreak = true
        this.agenda.at(toMs, () => {
          cab.isOnBreak = false
          cab.idleSinceMs = toMs
          this.#dispatching.freed()
        })
      })
    }
  }
}
