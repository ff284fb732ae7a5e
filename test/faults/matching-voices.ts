import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { Try } from './matching-asker.ts'
import { laravelSays } from './matching-laravel.ts'
import { Phone } from './matching-phone.ts'
import type { PlannedAct } from './matching-plan.ts'

const OPENING_MS = 90_000

/** What something is said of. */
export interface Topic {
  readonly rideId: string
  readonly riderId: string
  readonly driverId: string
  /** Undefined: he was not offered it. */
  readonly offerId: string | undefined
  /** Of the bid that is placed. */
  readonly amountMinor: number
  /** The bid that is chosen. */
  readonly bidId: string | undefined
}

/** Everybody's phones: a driver has one, a rider two. Laravel has its own door. */
export class Voices {
  readonly #chance: Chance
  readonly #urls: () => readonly string[]
  readonly #phones: ReadonlyMap<string, readonly Phone[]>

  constructor(
    chance: Chance,
    urls: () => readonly string[],
    riderIds: readonly string[],
    driverIds: readonly string[],
  ) {
    this.#chance = chance
    this.#urls = urls
    const phones = new Map<string, readonly Phone[]>()
    for (const id of riderIds) phones.set(id, [new Phone(id, 'customer'), new Phone(id, 'customer')])
    for (const id of driverIds) phones.set(id, [new Phone(id, 'driver')])
    this.#phones = phones
  }

  /** Connects every driver, and every rider's first phone; the second one connects when it is needed, or now if `isTwice`. */
  async open(isTwice: boolean): Promise<void> {
    const phones = [...this.#phones.values()].flatMap((own) => (isTwice ? own : own.slice(0, 1)))
    await Promise.all(phones.map((phone) => this.#opened(phone)))
  }

  close(): void {
    for (const phone of [...this.#phones.values()].flat()) phone.close()
  }

  /** How it is said; null where it cannot be said. */
  attempt({ kind, door }: PlannedAct, topic: Topic): Try | null {
    const { rideId, riderId, driverId, offerId, bidId } = topic
    const isByOffer = kind === 'accept' || kind === 'offer' || kind === 'reject'
    if ((isByOffer && offerId === undefined) || (kind === 'choose' && bidId === undefined)) return null
    const rider = this.#phone(riderId, door === 'second' ? 1 : 0)
    const driver = this.#phone(driverId, 0)
    switch (kind) {
      case 'accept':
      case 'offer':
        if (door === 'http') return post(rideId, 'accept', { driverId, offerId })
        return say(driver, 'driver:accept:ride', { rideId, offerId })
      case 'reject':
        return say(driver, 'driver:reject:ride', { rideId, offerId })
      case 'cancel':
        if (door === 'http') return post(rideId, 'cancel', { by: 'system' })
        return say(rider, 'ride:cancel', { rideId })
      case 'start':
        return post(rideId, 'transition', { transition: 'started', driverId })
      case 'release':
        return say(driver, 'ride:cancel', { rideId })
      case 'arrive':
        return say(driver, 'driver:arrived', { rideId })
      case 'complete':
        return say(driver, 'ride:complete', { rideId })
      case 'bid':
        return say(driver, 'bid:place', { rideId, amountMinor: topic.amountMinor, currency: 'EGP' })
      case 'unbid':
        return say(driver, 'bid:withdraw', { rideId })
      case 'choose':
        if (door === 'http') return post(rideId, `bids/${bidId}/accept`, { customerId: riderId })
        return say(rider, 'bid:accept', { rideId, bidId })
      default:
        return null
    }
  }

  #phone(userId: string, index: number): Phone | undefined {
    return this.#phones.get(userId)?.[index]
  }

  async #opened(phone: Phone): Promise<void> {
    const endMs = performance.now() + OPENING_MS
    while (performance.now() < endMs) {
      const urls = this.#urls()
      if (urls.length > 0 && (await phone.open(this.#chance.pick(urls)))) return
      await pause(20)
    }
    throw new Error('nobody is let in')
  }
}

function post(rideId: string, path: string, body: unknown): Try {
  return (url, id, cut) => laravelSays(url, id, `/internal/trips/${rideId}/${path}`, body, cut)
}

function say(phone: Phone | undefined, event: string, data: unknown): Try {
  return (url, id, cut) =>
    phone === undefined ? Promise.resolve('lost') : phone.say(url, id, event, data, cut)
}
