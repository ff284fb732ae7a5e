import { isRange } from '../../base/addresses.ts'
import { DEVELOPMENT_KEY, type GatewayAccount, type GatewayAdapter, type Setting } from './adapter.ts'

/** Settings that every gateway has. */
export const COMMON_SETTINGS: readonly Setting[] = [
  {
    name: 'ALLOWED_CIDRS',
    meaning: 'addresses and ranges from which deliveries are taken, comma-separated; not set: all',
    problem: (value) =>
      listOf(value).every(isRange) ? null : 'must be addresses or ranges such as 203.0.113.0/24',
  },
  {
    name: 'WEBHOOK_SECRETS_UNTIL',
    meaning: 'when secrets end, as `<position>@<time>`: `2@2026-12-31T00:00:00Z`; the others have no end',
    problem: (value) =>
      secretEnds(value) === null ? 'must be <position>@<ISO 8601 time with a zone>, comma-separated' : null,
  },
]

const API_URL: Setting = {
  name: 'API_URL',
  meaning: "the API's address, where it is not the gateway's production one",
  problem: (value) =>
    isHttpUrl(value) ? null : 'must be an http or https address, without credentials and query',
}

/** Every setting that an account of this gateway may have. */
export function settingsOf(adapter: GatewayAdapter): readonly Setting[] {
  const asks = adapter.confirm !== undefined || adapter.lister !== undefined
  return [...(adapter.settings ?? []), ...(asks ? [API_URL] : []), ...COMMON_SETTINGS]
}

/** What development runs with, by NAME. `publicKey` makes the PEM that stands for DEVELOPMENT_KEY; it may cost a while. */
export function developmentSettings(
  { settings = [] }: GatewayAdapter,
  publicKey: () => string,
): Readonly<Record<string, string>> {
  const pairs = settings.flatMap(({ name, development }) =>
    development === undefined
      ? []
      : [[name, development === DEVELOPMENT_KEY ? publicKey() : development] as const],
  )
  return Object.fromEntries(pairs)
}

/** Why this account, as it is configured, cannot work: what its settings say, and its adapter; see GatewayAdapter. */
export function accountProblems(
  adapter: GatewayAdapter,
  account: GatewayAccount,
  isProduction: boolean,
): readonly string[] {
  const known = settingsOf(adapter)
  const unknown = Object.keys(account.settings)
    .filter((name) => !known.some((setting) => setting.name === name))
    .map(
      (name) =>
        `${name} is no setting of ${adapter.about.title}; known are ${known.map((one) => one.name).join(', ')}`,
    )
  const wrong = known.flatMap((setting) => {
    const problem = problemOf(setting, account.settings[setting.name], isProduction)
    return problem === null ? [] : [`${setting.name} ${problem}`]
  })
  const position = secretEnds(account.settings.WEBHOOK_SECRETS_UNTIL ?? '')?.find(
    ({ index }) => index >= account.secrets.length,
  )
  const beyond = position === undefined ? [] : ['WEBHOOK_SECRETS_UNTIL names a position without a secret']
  return [...unknown, ...wrong, ...beyond, ...(adapter.configurationProblems?.(account, isProduction) ?? [])]
}

function problemOf(setting: Setting, value: string | undefined, isProduction: boolean): string | null {
  if (value !== undefined && value.trim() !== '') return setting.problem?.(value) ?? null
  return isProduction && setting.needed === 'verify' ? 'is missing; production needs it' : null
}

export interface SecretEnd {
  /** Position in the list of secrets, from 0. */
  readonly index: number
  readonly endMs: number
}

const SECRET_END = /^([1-9]\d?)@(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))$/

/** Reads WEBHOOK_SECRETS_UNTIL; null where it cannot be read. */
export function secretEnds(value: string): readonly SecretEnd[] | null {
  const ends = listOf(value).map((entry) => {
    const match = SECRET_END.exec(entry)
    const endMs = Date.parse(match?.[2] ?? '')
    return match === null || Number.isNaN(endMs) ? null : { index: Number(match[1]) - 1, endMs }
  })
  if (!ends.every((end) => end !== null)) return null
  // Which of two ends was meant, nobody can say.
  return new Set(ends.map(({ index }) => index)).size === ends.length ? ends : null
}

/** The parts of a comma-separated setting, without blanks. */
export function listOf(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function isHttpUrl(value: string): boolean {
  const url = URL.parse(value.trim())
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  )
}
