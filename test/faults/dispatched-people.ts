import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { TripAct } from '../support/linearizability/trip-acts.ts'
import type { Frame } from '../support/socket.ts'
import type { Chance } from './chance.ts'
import type { Asker, Heard } from './matching-asker.ts'
import { laravelSays } from './matching-laravel.ts'
import { Phone } from './matching-phone.ts'
import type { PlannedAct } from './matching-plan.ts'
import { answerOf, type Recorder } from './matching-recorder.ts'

/** What everybody in a run has in common. */
export interface Street {
  readonly zoneId: string
  readonly chance: Chance
  readonly asker: Asker
  readonly told: Recorder
  readonly urls: () => readonly string[]
  /** Nobody begins anything any more. */
  readonly isOver: () => boolean
  /** Something that is done, and waited for in the end. */
  readonly begin: (work: Promise<unknown>) => void
}

const PLACE = { latitude: 30.0444, longitude: 31.2357 }
const ORDER = {
  category: 'car',
  pickup: { ...PLACE, address: 'Tahrir' },
  destination: { latitude: 30.1219, longitude: 31.4056 },
  ...{ estimatedFareMinor: 12_050, currency: 'EGP' },
}
const FATES: readonly PlannedAct['fate'][] = ['calm', 'calm', 'calm', 'again', 'cut', 'left']
const HERE_AGAIN_MS = 300

/** Somebody with a phone, who says things at any process until he is answered. */
class Person {
  readonly id: string
  readonly street: Street
  readonly phone: Phone

  constructor(id: string, type: 'customer' | 'driver', street: Street) {
    this.id = id
    this.street = street
    this.phone = new Phone(id, type, (frame) => {
      if (!street.isOver()) this.hear(frame)
    })
  }

  hear(_frame: Frame): void {}

  say(event: string, data: unknown, fate: PlannedAct['fate'] = 'calm'): Promise<Heard | null> {
    return this.street.asker.ask((url, id, cut) => this.phone.say(url, id, event, data, cut), fate)
  }

  /** Says it, and the history has it. */
  async act(act: TripAct, event: string, data: unknown): Promise<Heard | null> {
    const { told, chance } = this.street
    let heard: Heard | null = null
    await told.record(act, async () => {
      heard = await this.say(event, data, chance.pick(FATES))
      return answerOf(heard)
    })
    return heard
  }

  async after(mostMs: number, work: () => Promise<unknown>): Promise<void> {
    await pause(this.street.chance.between(0, mostMs))
    if (!this.street.isOver()) await work()
  }
}

/** Accepts what he is asked, or not; gives rides up, drives them, and is away for a moment now and then. */
export class StreetDriver extends Person {
  readonly #heard = new Set<string>()
  readonly #bids = new Map<string, number>()

  constructor(id: string, street: Street) {
    super(id, 'driver', street)
  }

  async work(): Promise<void> {
    const { zoneId } = this.street
    await this.say('driver:online', { ...PLACE, zoneId, category: 'car' })
    this.street.begin(this.#tellPlace())
  }

  override hear({ event, data }: Frame): void {
    const snapshot = event === 'ready' ? (data?.snapshot as { offers?: unknown[] } | undefined) : undefined
    const asked = event === 'ride:new' ? [data] : (snapshot?.offers ?? [])
    for (const offer of asked as StreetOffer[]) {
      if (this.#heard.has(offer.offerId)) continue
      this.#heard.add(offer.offerId)
      this.street.begin(this.after(120, () => (offer.isBidding ? this.#bid(offer) : this.#decide(offer))))
    }
  }

  async #tellPlace(): Promise<void> {
    while (!this.street.isOver()) {
      await pause(HERE_AGAIN_MS)
      const url = this.phone.url ?? this.street.urls()[0]
      if (url !== undefined) await this.phone.say(url, randomUUID(), 'driver:location', PLACE, null)
    }
  }

  async #decide({ rideId, offerId, expiresAt }: StreetOffer): Promise<void> {
    const tripId = rideId
    const driverId = this.id
    const mood = this.street.chance.next()
    if (mood < 0.1) return
    if (mood < 0.2) return this.#vanish()
    if (mood < 0.35) {
      await this.act({ kind: 'reject', tripId, driverId, offer: offerId }, 'driver:reject:ride', {
        rideId,
        offerId,
      })
      return
    }
    const expiresAtMs = onOurClock(expiresAt)
    const act = { kind: 'accept', tripId, driverId, offer: offerId, expiresAtMs } as const
    const heard = await this.act(act, 'driver:accept:ride', { rideId, offerId })
    if (heard?.word === 'ok') await this.after(200, () => this.#drive(rideId))
  }

  async #bid({ rideId, offerId, expiresAt }: StreetOffer): Promise<void> {
    const { chance, told } = this.street
    if (chance.happens(0.15)) return
    const number = (this.#bids.get(rideId) ?? 0) + 1
    this.#bids.set(rideId, number)
    const amountMinor = 9_000 + number
    const of = { tripId: rideId, driverId: this.id }
    const act = { kind: 'bid', ...of, offer: offerId, bid: bidName(this.id, amountMinor) } as const
    // Its deadline ends it, whoever notices.
    told.mayHappen({ kind: 'unbid', ...of }, onOurClock(expiresAt) - SLACK_MS)
    const heard = await this.act(act, 'bid:place', { rideId, amountMinor, currency: 'EGP' })
    if (heard?.word !== 'ok' || !chance.happens(0.3)) return
    await this.after(150, () => this.act({ kind: 'unbid', ...of }, 'bid:withdraw', { rideId }))
  }

  /** A ride that is his: he gives it up, drives it to its end, or keeps it. */
  async #drive(rideId: string): Promise<void> {
    const { chance, asker, told } = this.street
    const of = { tripId: rideId, driverId: this.id }
    const mood = chance.next()
    if (mood < 0.35) {
      await this.act({ kind: 'release', ...of }, 'ride:cancel', { rideId })
      return
    }
    if (mood < 0.5) return
    await this.act({ kind: 'arrive', ...of }, 'driver:arrived', { rideId })
    await told.record({ kind: 'start', ...of }, async () => {
      const body = { transition: 'started', driverId: this.id }
      const path = `/internal/trips/${rideId}/transition`
      return answerOf(await asker.ask((url, id, cut) => laravelSays(url, id, path, body, cut), 'calm'))
    })
    await this.act({ kind: 'complete', ...of }, 'ride:complete', { rideId })
  }

  async #vanish(): Promise<void> {
    this.phone.close()
    await this.after(400, async () => {
      const url = this.street.urls()[0]
      if (url !== undefined) await this.phone.open(url)
    })
  }
}

/** Asks for a ride, chooses among bids, and changes his mind now and then. */
export class StreetRider extends Person {
  /** His ride, once he was told of it. */
  rideId: string | null = null
  readonly #seen = new Set<string>()

  constructor(id: string, street: Street) {
    super(id, 'customer', street)
  }

  async ask(policy: string): Promise<void> {
    const { street } = this
    const heard = await this.say('ride:request', { ...ORDER, zoneId: street.zoneId, policy }, 'again')
    if (heard?.word !== 'ok') throw new Error(`${this.id} asked for a ride: ${heard?.word}`)
    const tripId = String(heard.data.rideId)
    this.rideId = tripId
    if (!street.chance.happens(0.25)) return
    street.begin(
      this.after(1_500, () => this.act({ kind: 'cancel', tripId }, 'ride:cancel', { rideId: tripId })),
    )
  }

  override hear({ event, data }: Frame): void {
    const snapshot = event === 'ready' ? (data?.snapshot as { bids?: unknown[] } | undefined) : undefined
    const bids = event === 'bid:new' ? [data] : (snapshot?.bids ?? [])
    for (const bid of bids as StreetBid[]) {
      if (this.#seen.has(bid.bidId)) continue
      this.#seen.add(bid.bidId)
      const times = this.street.chance.between(0, 2)
      for (let time = 0; time < times; time += 1) this.street.begin(this.after(300, () => this.#choose(bid)))
    }
  }

  #choose({ rideId, bidId, driverId, amountMinor, expiresAt }: StreetBid): Promise<unknown> {
    const of = { tripId: rideId, driverId, bid: bidName(driverId, amountMinor) }
    const act = { kind: 'choose', ...of, expiresAtMs: onOurClock(expiresAt) } as const
    return this.act(act, 'bid:accept', { rideId, bidId })
  }
}

interface StreetOffer {
  readonly rideId: string
  readonly offerId: string
  readonly isBidding: boolean
  readonly expiresAt: number
}

interface StreetBid {
  readonly rideId: string
  readonly bidId: string
  readonly driverId: string
  readonly amountMinor: number
  readonly expiresAt: number
}

const SLACK_MS = 5

/** On performance.now(). */
function onOurClock(epochMs: number): number {
  return epochMs - Date.now() + performance.now()
}

function bidName(driverId: string, amountMinor: number): string {
  return `${driverId} for ${amountMinor}`
}
