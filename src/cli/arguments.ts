import { InvalidArgumentError } from 'commander'
import { type Id, idFromText } from '../base/ids.ts'
import { REASON_LIMIT_CHARACTERS } from '../webhooks/audit.ts'
import type { AccountName } from '../webhooks/gateway-pause.ts'
import { DEFAULT_ACCOUNT } from '../webhooks/gateways/adapter.ts'

/** Commander's parsers: text to value, or an InvalidArgumentError, to which commander adds the option's name. */

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?(?<zone>Z|[+-]\d\d:\d\d)?$/

/** `2h` ago, or a moment in ISO 8601, in UTC unless it names a zone. */
export function parseTime(text: string): Date {
  const ago = /^(\d{1,6})([smhdw])$/.exec(text)
  if (ago) return new Date(Date.now() - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0))
  const iso = ISO.exec(text)
  const withTime = text.length > 10
  const moment = new Date(iso?.groups?.zone === undefined && withTime ? `${text.replace(' ', 'T')}Z` : text)
  if (!iso || Number.isNaN(moment.getTime())) {
    throw new InvalidArgumentError('Use a time such as 2026-11-30T08:00Z, or an age such as 30m, 2h or 7d.')
  }
  return moment
}

/** The text form of an id. */
export function parseId(text: string): Id {
  const id = idFromText(text)
  if (id === null) throw new InvalidArgumentError('An id looks like 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11.')
  return id
}

/** A variadic argument's ids, gathered. */
export function parseIds(text: string, before: readonly Id[] | undefined): readonly Id[] {
  return [...(before ?? []), parseId(text)]
}

/** A whole number from 1 to `max`. */
export function parseLimit(max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (value < 1 || value > max) throw new InvalidArgumentError(`Use a whole number from 1 to ${max}.`)
    return value
  }
}

/** A reason that somebody will understand later: not blank, within the column. */
export function parseReason(text: string): string {
  const reason = text.trim()
  if (reason === '' || reason.length > REASON_LIMIT_CHARACTERS) {
    throw new InvalidArgumentError(`A reason has 1 to ${REASON_LIMIT_CHARACTERS} characters.`)
  }
  return reason
}

/** `paymob` or `paymob/cairo`. */
export function parseAccountName(text: string): AccountName {
  const match = /^([a-z0-9-]{1,32})(?:\/([a-z0-9-]{1,64}))?$/.exec(text)
  if (!match) throw new InvalidArgumentError('Use <gateway> or <gateway>/<account>, such as paymob/cairo.')
  return { gateway: match[1] ?? '', account: match[2] ?? DEFAULT_ACCOUNT }
}

const MAX_REF_BYTES = 255

/** A payment's reference as the column takes it. */
export function parseRef(text: string): string {
  if (text.trim() === '' || text.trim() !== text || Buffer.byteLength(text) > MAX_REF_BYTES) {
    throw new InvalidArgumentError(`A reference has 1 to ${MAX_REF_BYTES} bytes and no blanks around it.`)
  }
  return text
}

/** The id of a trip or a person in the other system: 36 printable ASCII characters at most. */
export function parseForeignId(text: string): string {
  if (!/^[\x21-\x7e]{1,36}$/.test(text)) {
    throw new InvalidArgumentError('Use 1 to 36 printable ASCII characters.')
  }
  return text
}
