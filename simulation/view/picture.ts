import type { Point } from '../city.ts'
import type { Moment } from '../figures.ts'
import type { Doing, Driver } from '../phones/driver.ts'
import type { Rider } from '../phones/rider.ts'
import type { Town } from '../phones/town.ts'
import { meanOf } from '../statistics.ts'

/** The city at a moment, for whoever looks at it. */
export interface Picture {
  readonly moment: Moment
  readonly totalMs: number
  readonly sizeMeters: number
  readonly cars: readonly { readonly point: Point; readonly doing: Doing }[]
  /** Where riders wait for a driver to be found. */
  readonly waiting: readonly Point[]
  readonly requests: number
  readonly matched: number
  readonly completed: number
  readonly unserved: number
  /** Over all matches so far; null before the first. */
  readonly meanPickupMeters: number | null
  readonly meanMatchSeconds: number | null
}

export function pictureOf(
  { city, clock }: Town,
  drivers: readonly Driver[],
  riders: readonly Rider[],
  totalMs: number,
): Picture {
  const records = riders.map(({ record }) => record)
  const waiting = records.filter(({ isWaiting }) => isWaiting)
  const cars = drivers.map((driver) => ({ point: driver.point, doing: driver.doing }))
  const count = (doing: Doing) => cars.filter((car) => car.doing === doing).length
  const matched = records.filter(({ matches }) => matches.length > 0)
  const works = drivers.flatMap(({ record }) => record.works)
  const ended = records.map(({ end }) => end?.how)
  return {
    moment: {
      ...{ atMs: clock.nowMs(), waiting: waiting.length, idle: count('idle'), away: count('away') },
      ...{ toPickup: count('to_pickup'), riding: count('riding') },
    },
    ...{ totalMs, sizeMeters: city.sizeMeters, cars },
    waiting: waiting.map(({ request }) => request.pickup),
    requests: records.length,
    matched: matched.length,
    completed: ended.filter((how) => how === 'completed').length,
    unserved: ended.filter((how) => how !== undefined && how !== 'completed').length,
    meanPickupMeters: works.length === 0 ? null : meanOf(works.map(({ pickupMeters }) => pickupMeters)),
    meanMatchSeconds:
      matched.length === 0
        ? null
        : meanOf(
            matched.map(({ askedAtMs, matches }) => ((matches[0]?.atMs ?? 0) - (askedAtMs ?? 0)) / 1_000),
          ),
  }
}
