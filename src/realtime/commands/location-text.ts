import type { CommandData } from '../protocol/commands.ts'
import { MAX_ACCURACY_METERS, MAX_HEADING, MAX_SPEED, MAX_TIME_MS } from '../protocol/fields.ts'

/** What is done with a position. */
export type Location = Pick<CommandData<'driver:location'>, 'latitude' | 'longitude' | 'speed' | 'heading'>

const START = '{"event":"driver:location","data":{'
/** All six members with all the digits that a number has. */
const MAX_CHARACTERS = 256
/** Phones say -1 where they do not know. */
const UNKNOWN = -1

/** Members of `data`; which of them were there is a sum of these. */
const LATITUDE = 1
const LONGITUDE = 2
const SPEED = 4
const HEADING = 8
const ACCURACY = 16
const AT = 32
const NEEDED = LATITUDE | LONGITUDE

/**
 * The position in the text of a frame `driver:location`, as apps write it: without an id and without blanks, the members of `data` in any
 * order. Whatever is written otherwise, and whatever is wrong in any way, is null: readFrame() and the schema say what it is. What this
 * returns they would read alike. It is here because most of what comes are positions, and looks at each character once. Pure; never throws.
 */
export function readLocation(text: string): Location | null {
  if (text.length > MAX_CHARACTERS || !text.startsWith(START)) return null
  let latitude = 0
  let longitude = 0
  let speed: number | null = null
  let heading: number | null = null
  let seen = 0
  for (let at = START.length; ; ) {
    const member = memberAt(text, at)
    // Written twice, whoever else reads it may see the other one.
    if (member === 0 || (seen & member) !== 0) return null
    seen |= member
    at += NAME_LENGTH[member] ?? 0
    const end = valueEnd(text, at)
    if (end === at) return null
    const value = text.charCodeAt(at) === LETTER_N ? null : Number(text.slice(at, end))
    if (!isValid(member, value)) return null
    if (member === LATITUDE) latitude = value ?? 0
    else if (member === LONGITUDE) longitude = value ?? 0
    else if (member === SPEED) speed = knownOrNull(value)
    else if (member === HEADING) heading = knownOrNull(value)
    at = end + 1
    if (text.charCodeAt(end) === COMMA) continue
    const isEnd = text.charCodeAt(end) === CLOSE && text.charCodeAt(at) === CLOSE && at + 1 === text.length
    return isEnd && (seen & NEEDED) === NEEDED ? { latitude, longitude, speed, heading } : null
  }
}

const NAMES: readonly (readonly [member: number, name: string])[] = [
  [LATITUDE, '"latitude":'],
  [LONGITUDE, '"longitude":'],
  [SPEED, '"speed":'],
  [HEADING, '"heading":'],
  [ACCURACY, '"accuracy":'],
  [AT, '"at":'],
]
/** By member. */
const NAME_LENGTH: Readonly<Record<number, number>> = Object.fromEntries(
  NAMES.map(([member, name]) => [member, name.length]),
)

/** Which member's name stands there; 0: none. */
function memberAt(text: string, at: number): number {
  for (const [member, name] of NAMES) if (text.startsWith(name, at)) return member
  return 0
}

function isValid(member: number, value: number | null): boolean {
  if (value === null) return (member & NEEDED) === 0
  switch (member) {
    case LATITUDE:
      return value >= -90 && value <= 90
    case LONGITUDE:
      return value >= -180 && value <= 180
    case SPEED:
      return value >= UNKNOWN && value <= MAX_SPEED
    case HEADING:
      return value >= UNKNOWN && value <= MAX_HEADING
    case ACCURACY:
      return value >= UNKNOWN && value <= MAX_ACCURACY_METERS
    default:
      return Number.isSafeInteger(value) && value >= 0 && value <= MAX_TIME_MS
  }
}

function knownOrNull(value: number | null): number | null {
  return value === null || value < 0 ? null : value
}

const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const COMMA = 0x2c
const CLOSE = 0x7d
const LETTER_N = 0x6e
const NULL = 'null'

/** Where the number or the null ends that begins there, as JSON writes them; where it begins if it is none, or has an exponent. */
function valueEnd(text: string, start: number): number {
  if (text.startsWith(NULL, start)) return start + NULL.length
  const whole = text.charCodeAt(start) === MINUS ? start + 1 : start
  const wholeEnd = text.charCodeAt(whole) === ZERO ? whole + 1 : digitsEnd(text, whole)
  if (wholeEnd === whole) return start
  if (text.charCodeAt(wholeEnd) !== POINT) return wholeEnd
  const end = digitsEnd(text, wholeEnd + 1)
  return end === wholeEnd + 1 ? start : end
}

function digitsEnd(text: string, start: number): number {
  let at = start
  // Beyond the text there is NaN, which is no digit.
  for (let digit = text.charCodeAt(at) - ZERO; digit >= 0 && digit <= 9; digit = text.charCodeAt(at) - ZERO)
    at += 1
  return at
}
