/** What stands where something secret was. */
export const REDACTED = '[redacted]'

/** Shorter values would blank out ordinary words: a development password `root` in every path of root. */
const MIN_SECRET_LENGTH = 6

/** Whatever they hold is withheld, numbers too. Names are compared in lower case without `-`, `_` and `.`. */
const WITHHELD_KEYS = new Set(
  (
    'body rawbody payload sql pan card cardnumber cvv cvc cvv2 securitycode otp authorization proxyauthorization ' +
    'apikey xapikey password passwd secret token ticket'
  ).split(' '),
)
/** Text under such a key is withheld; a number or a boolean is not (`secretIndex` says which secret matched). */
const WITHHELD_WORDS =
  /signature|hmac|secret|password|passwd|token|authorization|apikey|cookie|cardnumber|verifhash/

/** A superset of all that is withheld, as it stands in the serialised line: cheap to test, refined afterwards. */
const SUSPICIOUS_KEYS =
  '(?:body|payload|sql|pan|card|cvv|cvc|security|otp|authorization|api[-_.]?key|passw|secret|token|ticket|signature|hmac|cookie|verif-hash)(?:[^"\\\\]|\\\\.)*":'
const SUSPICIOUS_TEXT =
  '\\d{13}|\\d{4}[ -]\\d{4}[ -]\\d{4}|\\d{4}[ -]\\d{6}[ -]\\d{5}|(?:Bearer|Basic)[ .]|eyJ|[?&][^=&\\s"]*='

const CREDENTIALS = /\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]+/gi
const JSON_WEB_TOKEN = /\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g
/** A WebSocket's subprotocol may carry a token: `bearer.eyJ…` */
const SUBPROTOCOL = /\b(bearer\.)[A-Za-z0-9._~+/=-]+/gi
/** Paymob signs in the query (`?hmac=`), so a logged URL would hold a signature. */
const SECRET_PARAMETER = /([?&][^=&\s]*(?:hmac|sign|token|ticket|secret|key|password)[^=&\s]*=)[^&\s]+/gi
/** 13 to 19 digits in one run, or in the groups printed on cards (4-4-4-1…7 and 4-6-5). */
const CARD_NUMBER =
  /(?<![A-Za-z0-9])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?![A-Za-z0-9])/g
/** A bare number is no text: 13 digits are a time in milliseconds, and card numbers that start with 0, 1 or 7 are rare. */
const MIN_CARD_AS_NUMBER = 2e13

/**
 * Makes a function that takes what must not be in a log out of one serialised JSON line: configured secrets wherever they
 * stand (messages, stacks, nested values, keys), values under keys that hold credentials, signatures or bodies, bearer
 * tokens, signed query parameters, and card numbers (first six and last four digits stay).
 *
 * A line without anything suspicious costs one regular expression test. A line that cannot be read back is withheld whole.
 */
export function createScrubber(secrets: readonly string[]): (line: string) => string {
  const values = [...new Set(secrets)]
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length)
  const inText = values.length > 0 ? new RegExp(values.map(escapePattern).join('|'), 'g') : null
  const serialised = values.map((secret) => escapePattern(JSON.stringify(secret).slice(1, -1)))
  const suspicious = new RegExp([SUSPICIOUS_KEYS, SUSPICIOUS_TEXT, ...serialised].join('|'), 'i')

  const scrubText = (text: string): string => {
    const named = inText === null ? text : text.replace(inText, REDACTED)
    return named
      .replace(CREDENTIALS, `$1 ${REDACTED}`)
      .replace(SUBPROTOCOL, `$1${REDACTED}`)
      .replace(JSON_WEB_TOKEN, REDACTED)
      .replace(SECRET_PARAMETER, `$1${REDACTED}`)
      .replace(CARD_NUMBER, maskCard)
  }

  return (line) => {
    if (!suspicious.test(line)) return line
    try {
      return `${JSON.stringify(scrubValue(JSON.parse(line), scrubText))}\n`
    } catch {
      return '{"level":"error","msg":"a log line was withheld: it could not be read back to look for secrets"}\n'
    }
  }
}

function scrubValue(value: unknown, scrubText: (text: string) => string): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'number') return scrubNumber(value)
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, scrubText))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      scrubText(key),
      isWithheld(key, member) ? REDACTED : scrubValue(member, scrubText),
    ]),
  )
}

function isWithheld(key: string, value: unknown): boolean {
  if (value === null || typeof value === 'boolean') return false
  const name = key.toLowerCase().replace(/[-_.]/g, '')
  if (WITHHELD_KEYS.has(name)) return true
  return typeof value !== 'number' && WITHHELD_WORDS.test(name)
}

function scrubNumber(value: number): number | string {
  return Number.isSafeInteger(value) && value >= MIN_CARD_AS_NUMBER && passesLuhn(String(value))
    ? maskCard(String(value))
    : value
}

function maskCard(text: string): string {
  const digits = text.replace(/\D/g, '')
  return passesLuhn(digits) ? `${digits.slice(0, 6)}…${digits.slice(-4)}` : text
}

/** ISO/IEC 7812-1 annex B: from the right, every second digit doubled, the sum of all digits is a multiple of ten. */
function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place])
    const weighted = place % 2 === 0 ? digit : digit * 2
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return sum % 10 === 0
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
