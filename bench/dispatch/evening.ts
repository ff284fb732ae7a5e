import { CAIRO } from '../../simulation/city.ts'
import { demandOf } from '../../simulation/demand.ts'
import { fleetOf } from '../../simulation/driver-model.ts'
import { randomOf } from '../../simulation/random.ts'
import type { DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import { type Evening, eveningOf } from './figures.ts'
import { Town } from './town.ts'

export interface EveningOptions {
  readonly seed: number
  readonly drivers: number
  readonly perMinute: number
  readonly minutes: number
  readonly settings: DispatchSettings
}

/** Rides go on after the last request; phones have their troubles until then. */
const AFTERWARDS_MINUTES = 60

/** Plays an evening. Requests, drivers and moods are the same for the same seed, whatever the policy. */
export function playEvening({ seed, drivers, perMinute, minutes, settings }: EveningOptions): Evening {
  const random = randomOf(`dispatch-${seed}`)
  const town = new Town(
    {
      requests: demandOf({ city: CAIRO, perMinute, minutes, random: random.split('demand') }),
      fleet: fleetOf({
        city: CAIRO,
        drivers,
        minutes: minutes + AFTERWARDS_MINUTES,
        random: random.split('fleet'),
      }),
      random: random.split('town'),
    },
    settings,
  )
  town.run()
  return eveningOf(town)
}
