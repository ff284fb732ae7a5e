/** What is limited, each for itself. The names are public: they stand in headers, metrics and variables' names. */
export const LIMIT_CLASSES = ['internal-api', 'auth', 'trip-create', 'bid', 'command', 'handshake'] as const
export type LimitClass = (typeof LIMIT_CLASSES)[number]

/** So many points in a window of so many seconds, which begins with a caller's first request. */
export interface LimitRule {
  readonly points: number
  readonly seconds: number
}

/** null: this class is not limited. */
export type LimitRules = Readonly<Record<LimitClass, LimitRule | null>>

/** For whoever counts nobody. */
export const NO_LIMITS: LimitRules = {
  'internal-api': null,
  auth: null,
  'trip-create': null,
  bid: null,
  command: null,
  handshake: null,
}

const MAX_POINTS = 1_000_000
const MAX_SECONDS = 86_400

export const LIMIT_RULE_FORM = `must be off, or <points>/<seconds> such as 600/60, with at most ${MAX_POINTS}/${MAX_SECONDS}`

/** `600/60` as a rule, `off` as null; undefined when it is neither. */
export function parseLimitRule(text: string): LimitRule | null | undefined {
  if (text.trim().toLowerCase() === 'off') return null
  const [, points = '', seconds = ''] = /^(\d{1,7})\/(\d{1,5})$/.exec(text.trim()) ?? []
  const rule = { points: Number(points), seconds: Number(seconds) }
  const isWithin = rule.points > 0 && rule.points <= MAX_POINTS && rule.seconds <= MAX_SECONDS
  return isWithin && rule.seconds > 0 ? rule : undefined
}

/** A rule as it is configured: `600/60`, or `off`. */
export function describeLimitRule(rule: LimitRule | null): string {
  return rule === null ? 'off' : `${rule.points}/${rule.seconds}`
}
