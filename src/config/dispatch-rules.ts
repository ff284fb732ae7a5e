import type {
  DispatchRules,
  DispatchSettings,
  DispatchWeights,
  RouteSettings,
} from '../matching/dispatch/settings.ts'
import { RULES_FILE, type RulesFile, type RulesLevel } from './dispatch-rules-schema.ts'
import { radiiUpTo, WITHIN_TIMEOUT } from './dispatch-settings.ts'

/** Every problem names the variable that names the file, and the field's path in it. */
const FILE = 'DISPATCH_RULES_FILE:'

/** The rules of a file, and what it names for people. */
export interface LoadedRules {
  readonly rules: DispatchRules
  readonly defaults: DispatchSettings
  /** Each zone that is named, and its categories that are, with what holds for them. */
  readonly named: readonly NamedSettings[]
}

export interface NamedSettings {
  readonly zoneId: string
  /** Null: what holds for the zone's other categories. */
  readonly category: string | null
  readonly settings: DispatchSettings
}

export type ParsedRules =
  | { readonly ok: true; readonly loaded: LoadedRules }
  | { readonly ok: false; readonly problems: readonly string[] }

/** The same everywhere: there is no file. */
export function rulesWithoutFile(defaults: DispatchSettings): LoadedRules {
  return { rules: { settingsOf: () => defaults }, defaults, named: [] }
}

/**
 * Reads a rules file's text, JSON: a category's fields go before its zone's, these before the file's defaults, and these before the
 * environment. Pure. Collects every problem as one sentence.
 */
export function parseDispatchRules(text: string, environment: DispatchSettings): ParsedRules {
  const json = parseJson(text)
  if (json === undefined) return { ok: false, problems: [`${FILE} must be JSON`] }
  const parsed = RULES_FILE.safeParse(json)
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error.issues) }
  const loaded = resolve(parsed.data, environment)
  const contradictions = [
    ...levelProblems('defaults', parsed.data.defaults ?? {}, loaded.defaults),
    ...loaded.named.flatMap((one) => zoneProblems(parsed.data, one)),
  ]
  return contradictions.length === 0 ? { ok: true, loaded } : { ok: false, problems: contradictions }
}

function parseJson(text: string): unknown {
  try {
    // Windows editors begin a file with a mark that JSON does not know.
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

interface Issue {
  readonly code?: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
  readonly issues?: readonly Issue[]
}

function problemsOf(issues: readonly unknown[]): string[] {
  return (issues as readonly Issue[]).flatMap(({ code, path, message, keys, issues: inner }) => {
    if (code === 'unrecognized_keys' && keys !== undefined)
      return keys.map((key) => `${FILE} ${pathText([...path, key])} ${message}`)
    return [`${FILE} ${pathText(path)} ${inner?.[0]?.message ?? message}`]
  })
}

/** `zones.cairo.offerSeconds`; a name that is no word stands in brackets. */
function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'its content'
  return path
    .map(String)
    .map((part, index) => {
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')
}

function resolve(file: RulesFile, environment: DispatchSettings): LoadedRules {
  const defaults = applied(environment, file.defaults ?? {})
  const named: NamedSettings[] = []
  const settings = new Map<string, DispatchSettings>()
  for (const [zoneId, { categories = {}, ...level }] of Object.entries(file.zones ?? {})) {
    const ofZone = applied(defaults, level)
    named.push({ zoneId, category: null, settings: ofZone })
    settings.set(zoneId, ofZone)
    for (const [category, own] of Object.entries(categories)) {
      const ofCategory = applied(ofZone, own)
      named.push({ zoneId, category, settings: ofCategory })
      settings.set(keyOf(zoneId, category), ofCategory)
    }
  }
  const settingsOf: DispatchRules['settingsOf'] = (zoneId, category) =>
    zoneId === null ? defaults : (settings.get(keyOf(zoneId, category)) ?? settings.get(zoneId) ?? defaults)
  return { rules: { settingsOf }, defaults, named }
}

/** No name has a blank in it. */
function keyOf(zoneId: string, category: string): string {
  return `${zoneId} ${category}`
}

/** The settings with a level's fields in place of theirs; of weights and route each number by itself. */
function applied(settings: DispatchSettings, level: RulesLevel): DispatchSettings {
  const { cancellationFee: fee } = level
  return {
    policy: level.policy ?? settings.policy,
    neighbours: level.neighbours ?? settings.neighbours,
    searchRadiiMeters: radiiOf(level) ?? settings.searchRadiiMeters,
    maxDrivers: level.maxDrivers ?? settings.maxDrivers,
    offerMs: seconds(level.offerSeconds) ?? settings.offerMs,
    biddingMs: seconds(level.biddingSeconds) ?? settings.biddingMs,
    windowMs: level.windowMs ?? settings.windowMs,
    retryMs: level.retryMs ?? settings.retryMs,
    noDriversMs: seconds(level.noDriversSeconds) ?? settings.noDriversMs,
    matchTimeoutMs: seconds(level.matchTimeoutSeconds) ?? settings.matchTimeoutMs,
    weights: { ...settings.weights, ...(level.weights as Partial<DispatchWeights>) },
    route: { ...settings.route, ...(level.route as Partial<RouteSettings>) },
    cancellationFee:
      fee === undefined
        ? settings.cancellationFee
        : fee && {
            afterMs: fee.afterSeconds * 1_000,
            fee: { amountMinor: BigInt(fee.amountMinor), currency: fee.currency },
          },
  }
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1_000
}

function radiiOf({ searchRadiiKm, searchRadiusKm }: RulesLevel): readonly number[] | undefined {
  if (searchRadiiKm !== undefined) return searchRadiiKm.map((radius) => Math.round(radius * 1_000))
  return searchRadiusKm === undefined ? undefined : radiiUpTo(searchRadiusKm)
}

function zoneProblems({ zones = {} }: RulesFile, { zoneId, category, settings }: NamedSettings): string[] {
  const { categories = {}, ...zone } = zones[zoneId] ?? {}
  const level = category === null ? zone : (categories[category] ?? {})
  const path = ['zones', zoneId, ...(category === null ? [] : ['categories', category])]
  const isItsOwn = level.neighbours?.includes(zoneId) === true
  return [
    ...levelProblems(pathText(path), level, settings),
    ...(isItsOwn ? [`${FILE} ${pathText([...path, 'neighbours'])} must not name the zone itself`] : []),
  ]
}

/** What a level says that contradicts itself, or what it has from the levels below it. */
function levelProblems(path: string, level: RulesLevel, settings: DispatchSettings): string[] {
  const isTwice = level.searchRadiusKm !== undefined && level.searchRadiiKm !== undefined
  const timeout = settings.matchTimeoutMs / 1_000
  return [
    ...(isTwice ? [`${FILE} ${path} must have searchRadiusKm or searchRadiiKm, not both`] : []),
    ...WITHIN_TIMEOUT.filter(({ time }) => settings[time] > settings.matchTimeoutMs).map(
      ({ time, field }) =>
        `${FILE} ${path}.${field} must be at most matchTimeoutSeconds, ${timeout} there; it is ${settings[time] / 1_000}`,
    ),
  ]
}
