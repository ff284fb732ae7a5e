import { POLICIES } from '../../src/matching/dispatch/policies/policies.ts'
import { roomFor } from '../../src/matching/dispatch/room.ts'
import { isHopeless } from '../../src/matching/dispatch/rounds.ts'
import type { DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import type { OfferState } from '../../src/matching/offers/offer-store.ts'
import { Picture } from './prospects.ts'
import type { MadeOffer, Search } from './search.ts'
import type { Town } from './town.ts'

/** A process looks for what is due this often; a deadline is acted on half of it later, on average. */
const POLL_MS = 125
/** A driver who rejects in a batch: his trip is in the first window after this. */
const SOON_MS = 1_000
/** Whom a driver who has become free may be offered to. */
const OLDEST = 3

/** The service's rounds and windows, without a database: when who is looked at, and what ends. The decisions are the service's own. */
export class Dispatching {
  readonly settings: DispatchSettings
  readonly #town: Town
  readonly #waiting = new Set<Search>()
  #isWindowPlanned = false

  constructor(town: Town, settings: DispatchSettings) {
    this.#town = town
    this.settings = settings
  }

  begin(search: Search): void {
    this.#waiting.add(search)
    this.#planRound(search, 0)
  }

  accepted({ search, cab }: MadeOffer): void {
    this.#waiting.delete(search)
    for (const offer of search.live()) this.#end(offer, offer.cab === cab ? 'accepted' : 'lost')
    for (const other of this.#waiting) {
      const his = other.live().find((offer) => offer.cab === cab)
      if (his === undefined) continue
      this.#end(his, 'withdrawn')
      this.#planRound(other, 0)
    }
  }

  rejected(offer: MadeOffer): void {
    this.#end(offer, 'rejected')
    this.#planRound(offer.search, this.settings.policy === 'batch' ? SOON_MS : 0)
  }

  /** Nobody looks for a driver any more. */
  withdraw(search: Search, state: OfferState): void {
    this.#waiting.delete(search)
    for (const offer of search.live()) this.#end(offer, state)
  }

  freed(): void {
    if (this.settings.policy === 'batch') return
    const oldest = [...this.#waiting].sort((a, b) => a.sinceMs - b.sinceMs).slice(0, OLDEST)
    for (const search of oldest) this.#planRound(search, 0)
  }

  #planRound(search: Search, inMs: number): void {
    const { agenda } = this.#town
    search.nextAtMs = Math.min(agenda.nowMs + inMs, search.sinceMs + this.settings.matchTimeoutMs)
    search.plan += 1
    const { plan } = search
    if (this.settings.policy === 'batch') this.#planWindow()
    else
      agenda.at(search.nextAtMs + (inMs === 0 ? 0 : POLL_MS), () => {
        if (search.plan === plan && search.state === 'waiting') this.#round(search)
      })
  }

  #planWindow(): void {
    if (this.#isWindowPlanned) return
    this.#isWindowPlanned = true
    this.#town.agenda.after(this.settings.windowMs, () => {
      this.#isWindowPlanned = false
      this.#window()
      if (this.#waiting.size > 0) this.#planWindow()
    })
  }

  #round(search: Search): void {
    const { policy, maxDrivers, offerMs, retryMs } = this.settings
    const room = roomFor(policy, search.live().length, maxDrivers)
    if (this.#isOverdue(search)) this.#endUnserved(search)
    else if (room === 0) this.#planRound(search, offerMs)
    else {
      const isAsked = this.#askSome(search, room)
      if (!isAsked && this.#isHopeless(search)) this.#endUnserved(search)
      else this.#planRound(search, isAsked ? this.#offerMs() : retryMs)
    }
  }

  #askSome(search: Search, room: number): boolean {
    const { agenda, cabs, city } = this.#town
    const asking = { ...this.settings, maxDrivers: room }
    const trip = new Picture(city, cabs, agenda.nowMs).prospectOf(search, asking)
    const plans = POLICIES[asking.policy]([trip], asking)
    for (const { driverId } of plans) this.#offer(search, driverId)
    return plans.length > 0
  }

  #window(): void {
    const { agenda, cabs, city } = this.#town
    const due = [...this.#waiting].filter(({ nextAtMs }) => nextAtMs <= agenda.nowMs)
    for (const search of due.filter((each) => this.#isOverdue(each))) this.#endUnserved(search)
    const free = due.filter((search) => search.state === 'waiting' && search.live().length === 0)
    const picture = new Picture(city, cabs, agenda.nowMs)
    const byId = new Map(free.map((search) => [search.tripId, search]))
    const trips = free.map((search) => picture.prospectOf(search, this.settings))
    for (const { tripId, driverId } of POLICIES.batch(trips, this.settings)) {
      const search = byId.get(tripId)
      byId.delete(tripId)
      if (search === undefined) continue
      this.#offer(search, driverId)
      this.#planRound(search, this.#offerMs())
    }
    for (const search of byId.values()) if (this.#isHopeless(search)) this.#endUnserved(search)
  }

  #offer(search: Search, driverId: string): void {
    const { agenda, cabs, optimum } = this.#town
    const cab = cabs.find(({ id }) => id === driverId)
    if (cab === undefined) throw new Error(`nobody is called ${driverId}`)
    const madeAtMs = agenda.nowMs
    optimum.look(cabs, madeAtMs)
    const offer: MadeOffer = {
      ...{ search, cab, madeAtMs, expiresAtMs: madeAtMs + this.#offerMs() },
      ...{ state: 'offered', endedAtMs: null, hasBid: false },
    }
    search.offers.push(offer)
    search.asked += 1
    cab.offers.add(search.tripId)
    agenda.at(offer.expiresAtMs, () => {
      if (offer.state !== 'offered') return
      if (!offer.hasBid) cab.noteAnswer(false)
      this.#end(offer, 'expired')
    })
    this.#town.deliver(offer)
  }

  #end(offer: MadeOffer, state: OfferState): void {
    offer.state = state
    offer.endedAtMs = this.#town.agenda.nowMs
    offer.cab.offers.delete(offer.search.tripId)
  }

  #endUnserved(search: Search): void {
    this.#town.end(search, search.asked === 0 ? 'no_drivers' : 'timed_out')
  }

  #offerMs(): number {
    return this.settings.policy === 'bidding' ? this.settings.biddingMs : this.settings.offerMs
  }

  #isOverdue({ sinceMs }: Search): boolean {
    return this.#town.agenda.nowMs >= sinceMs + this.settings.matchTimeoutMs
  }

  #isHopeless({ asked, sinceMs }: Search): boolean {
    return isHopeless({ asked, waitedMs: this.#town.agenda.nowMs - sinceMs }, this.settings)
  }
}
