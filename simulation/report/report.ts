import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Outcome } from '../run.ts'
import { pageOf } from './page.ts'

/** Writes the page, and the figures as JSON beside it. Returns where they are. */
export function writeReport(
  file: string,
  outcome: Outcome,
): { readonly page: string; readonly data: string } {
  const page = /\.html?$/.test(file) ? file : `${file}.html`
  const data = page.replace(/\.html?$/, '.json')
  mkdirSync(dirname(page), { recursive: true })
  writeFileSync(page, pageOf(outcome))
  writeFileSync(data, `${JSON.stringify(dataOf(outcome), null, 2)}\n`)
  return { page, data }
}

function dataOf({ options, figures, invariants, rides, drivers, ...rest }: Outcome) {
  return {
    ...{ options, wallSeconds: rest.wallSeconds, holds: invariants.every(({ holds }) => holds) },
    ...{ figures, invariants, troubles: rest.troubles, serviceWords: rest.serviceWords },
    rides: rides.map(({ request, rideId, askedAtMs, matches, startedAtMs, end, trouble }) => ({
      ...{ riderId: request.riderId, rideId, askedAtMs, matches, startedAtMs, end, trouble },
    })),
    drivers: drivers.map(({ plan, works, ...counts }) => ({ driverId: plan.driverId, ...counts, works })),
  }
}
