/** Words that stand in templates, wherever they are in a value. */
const TEMPLATE_WORDS = /replace[-_ .]*me|change[-_ .]*(me|this)|placeholder|example|dummy|insert[-_ ]/i
/** Values that are a template as a whole or from their start: <…>, xxxx, todo, your-… */
const TEMPLATE_START = /^(<.*>$|x{3,}([^a-z0-9]|$)|x{6,}|todo([^a-z0-9]|$)|(put[-_ ])?your[-_ .]|\$\{|%\()/i
/** Nothing but words for a secret and digits: `secret`, `my-secret-key`, `Password123!`. */
const SECRET_WORDS =
  /^(((my|the|super|top|app|jwt|api|db|redis|root|admin|webhook|test|dev|internal|laravel)[-_ .]*)*(secret|passwo?r?d|key|token)s?[-_ .!\d]*)+$/i
/** Prefixes that gateways put before every secret; they make none longer. */
const KNOWN_PREFIX = /^wh(sec|pk|sk)_/
const MIN_DISTINCT_CHARACTERS = 8

/**
 * Why a secret must not be used in production, as the end of the sentence "X …", or null when it may. Never repeats any
 * part of the value.
 */
export function weaknessOf(secret: string, minLength: number): string | null {
  const core = secret.replace(KNOWN_PREFIX, '')
  if (secret !== secret.trim()) return 'begins or ends with white space'
  if (isPlaceholder(core)) return 'is a placeholder; set a random value'
  if (core.length < minLength) return `is too short: at least ${minLength} characters are needed`
  if (new Set(core).size < MIN_DISTINCT_CHARACTERS) {
    return `is too simple: at least ${MIN_DISTINCT_CHARACTERS} different characters are needed`
  }
  return null
}

function isPlaceholder(core: string): boolean {
  return TEMPLATE_WORDS.test(core) || TEMPLATE_START.test(core) || SECRET_WORDS.test(core)
}
