import { DEFAULT_SETTINGS, type DispatchSettings } from '../matching/dispatch/settings.ts'
import type { Variables } from './variables.ts'

/** How much larger the next circle is, beyond the steps that there are: about two and a half times the area. */
const GROWTH = 1.6
/** A step that is hardly smaller than the last one would be a search for nothing. */
const LAST_GROWTH = 1.2

/** The steps of a search that ends at this radius, in metres, ascending: those of the defaults, cut to it or extended. */
export function radiiUpTo(radiusKm: number): readonly number[] {
  const end = Math.round(radiusKm * 1_000)
  const steps = [...DEFAULT_SETTINGS.searchRadiiMeters]
  for (let next = (steps.at(-1) ?? end) * GROWTH; next < end; next *= GROWTH) steps.push(Math.round(next))
  return [...steps.filter((step) => step * LAST_GROWTH <= end), end]
}

/** What the environment says for every zone and category. Times that it does not say are never longer than the time-out. */
export function settingsOf(variables: Variables): DispatchSettings {
  const matchTimeoutMs = variables.DRIVER_MATCH_TIMEOUT_SECONDS * 1_000
  const time = (seconds: number | undefined, otherwiseMs: number): number =>
    seconds === undefined ? Math.min(otherwiseMs, matchTimeoutMs) : seconds * 1_000
  return {
    ...DEFAULT_SETTINGS,
    policy: variables.DISPATCH_POLICY,
    searchRadiiMeters: radiiUpTo(variables.DRIVER_SEARCH_RADIUS_KM),
    maxDrivers: variables.MAX_DRIVERS_TO_NOTIFY,
    offerMs: time(variables.DISPATCH_OFFER_SECONDS, DEFAULT_SETTINGS.offerMs),
    biddingMs: time(variables.DISPATCH_BIDDING_SECONDS, DEFAULT_SETTINGS.biddingMs),
    windowMs: variables.DISPATCH_WINDOW_MS,
    retryMs: variables.DISPATCH_RETRY_MS,
    noDriversMs: time(variables.DISPATCH_NO_DRIVERS_SECONDS, DEFAULT_SETTINGS.noDriversMs),
    matchTimeoutMs,
  }
}

/** Times that must fit into the time-out, by what the rules file and the environment call them. */
export const WITHIN_TIMEOUT = [
  { time: 'noDriversMs', field: 'noDriversSeconds', variable: 'DISPATCH_NO_DRIVERS_SECONDS' },
  { time: 'offerMs', field: 'offerSeconds', variable: 'DISPATCH_OFFER_SECONDS' },
  { time: 'biddingMs', field: 'biddingSeconds', variable: 'DISPATCH_BIDDING_SECONDS' },
] as const

/** What of the environment's settings contradicts itself. */
export function dispatchProblems(variables: Variables): readonly string[] {
  const settings = settingsOf(variables)
  return WITHIN_TIMEOUT.filter(({ time }) => settings[time] > settings.matchTimeoutMs).map(
    ({ variable }) => `${variable} must be at most DRIVER_MATCH_TIMEOUT_SECONDS`,
  )
}
