import { CommandError, type OncelineClient, type Pushes } from '../../client/client.ts'
import { pointOf, roadMeters } from '../city.ts'
import { answerOf, bidOf } from '../driver-model.ts'
import type { Random } from '../random.ts'
import type { Driver } from './driver.ts'
import { CURRENCY } from './town.ts'

type Offer = Pushes['ride:new']

/** The offers on a driver's screen, and what he does with them. */
export class OfferBook {
  readonly #driver: Driver
  readonly #random: Random
  /** What he may still answer, by offer. */
  readonly #shown = new Map<string, Offer>()
  /** He waits for what becomes of an acceptance. */
  #isTaking = false

  constructor(driver: Driver, random: Random) {
    this.#driver = driver
    this.#random = random
  }

  listen(client: OncelineClient): void {
    client.on('ride:new', (offer) => void this.#consider(offer))
    client.on('ride:offer:expired', ({ offerId }) => this.#shown.delete(offerId))
    client.on('ride:taken', ({ rideId }) => {
      for (const [offerId, offer] of this.#shown) if (offer.rideId === rideId) this.#shown.delete(offerId)
    })
  }

  async #consider(offer: Offer): Promise<void> {
    const { plan, record, town } = this.#driver
    const random = this.#random.split(record.offers)
    record.offers += 1
    if (offer.pickup === null || town.clock.isClosed) return
    const meters = roadMeters(this.#driver.point, pointOf(town.city, offer.pickup))
    const { kind, afterMs } = answerOf(plan, meters, random)
    if (kind === 'ignore') record.ignored += 1
    if (kind === 'ignore') return
    this.#shown.set(offer.offerId, offer)
    await town.clock.pause(afterMs)
    if (!this.#shown.delete(offer.offerId) || !this.#driver.isFree || !this.#driver.phone.isHeard) return
    if (kind === 'reject') await this.#reject(offer)
    else if (town.policy === 'bidding') await this.#bid(offer, meters, random)
    else await this.#accept(offer)
  }

  async #accept({ rideId, offerId }: Offer): Promise<void> {
    if (this.#isTaking) return
    this.#isTaking = true
    const { record } = this.#driver
    try {
      await this.#driver.phone.say('driver:accept:ride', { rideId, offerId })
      record.accepted += 1
      this.#driver.given(rideId)
    } catch (error) {
      record.lost += 1
      this.#note(error)
    } finally {
      this.#isTaking = false
    }
  }

  async #reject({ rideId, offerId }: Offer): Promise<void> {
    const { record, phone } = this.#driver
    record.rejected += 1
    await phone.say('driver:reject:ride', { rideId, offerId }).catch((error: unknown) => this.#note(error))
  }

  async #bid({ rideId, estimatedFareMinor }: Offer, meters: number, random: Random): Promise<void> {
    const { record, phone } = this.#driver
    const amountMinor = bidOf(estimatedFareMinor ?? 1, meters, random)
    record.bids += 1
    await phone
      .say('bid:place', { rideId, amountMinor, currency: CURRENCY })
      .catch((error: unknown) => this.#note(error))
  }

  /** A refusal is the service's good right: another was faster, or it was too late. */
  #note(error: unknown): void {
    if (!(error instanceof CommandError) || error.outcome !== 'refused') this.#driver.trouble(error)
  }
}
