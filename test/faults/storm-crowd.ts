import { Chance } from './chance.ts'
import { StormClient } from './storm-client.ts'

export interface StormCrowdOptions {
  readonly count: number
  readonly chance: Chance
  readonly doors: () => readonly string[]
  readonly onFailure: (error: Error) => void
}

/** One in ten is the second phone of another one's user. */
const USERS_A_CLIENT = 0.9
const LOOK_MS = 250

/** Riders and drivers with their phones, all of which connect at once. Every third user is a driver; he has one phone. */
export class StormCrowd {
  readonly userIds: readonly string[]
  readonly clients: readonly StormClient[]
  /** How connections ended by close codes, and refusals by HTTP status. */
  readonly ends = new Map<number, number>()
  readonly #looking: NodeJS.Timeout

  constructor({ count, chance, doors, onFailure }: StormCrowdOptions) {
    const users = Math.ceil(count * USERS_A_CLIENT)
    this.userIds = Array.from({ length: users }, (_, index) => `storm-${index}`)
    const riders = this.userIds.filter((_, index) => !isDriver(index))
    this.clients = Array.from({ length: count }, (_, index) => {
      const userId = this.userIds[index] ?? chance.pick(riders)
      const userType = index < users && isDriver(index) ? 'driver' : 'customer'
      const own = new Chance(chance.between(0, 2 ** 31))
      return new StormClient({ userId, userType, chance: own, doors, onFailure, ends: this.ends })
    })
    this.#looking = setInterval(() => {
      for (const client of this.clients) client.look()
    }, LOOK_MS)
  }

  /** Everybody goes home. */
  end(): void {
    clearInterval(this.#looking)
    for (const client of this.clients) client.end()
  }
}

function isDriver(index: number): boolean {
  return index % 3 === 0
}
