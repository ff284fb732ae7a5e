import type { KeyObject } from 'node:crypto'
import type { EventKind } from '../../../payments/fact.ts'
import { isObject, type JsonObject } from '../kit/body.ts'

/** What a sample delivery is to say. */
export interface SampleSpec {
  readonly kind: EventKind
  readonly merchantRef: string
  /** Paymob finds the payment by this alone. Without it: `pi_<merchantRef>` for Stripe, else the merchantRef. */
  readonly gatewayRef?: string
  readonly operationRef: string
  /** Minor units by ISO 4217; the builder writes them as its gateway does. */
  readonly amountMinor: bigint
  readonly currency: string
  readonly nowMs: number
  /** One secret of the account, in the form of its variable; '' where the gateway has none. */
  readonly secret: string
  /** The account's other settings, where the gateway checks them. */
  readonly settings?: Readonly<Record<string, string | undefined>>
  /** The key of gateways that sign with one (PayPal, SNS). */
  readonly privateKey?: KeyObject
  /** Gateways without an event id of their own ignore it: theirs follows from operationRef and state. */
  readonly eventId?: string
  /** The account in the URL; none means the default one. */
  readonly account?: string
  /** Pads the body to at least this many bytes with a field that means nothing, where the gateway's form allows that. */
  readonly bodyBytes?: number
}

/** What a builder adds to the path that all have. */
export interface SignedSample {
  /** Lower-case names; `content-type` where it is not JSON. */
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body: Buffer
}

/** Builds deliveries as one gateway sends them, from public formats and a secret that the caller has. */
export interface GatewaySample {
  /** The kinds that this gateway can tell. */
  readonly kinds: readonly EventKind[]
  /** One in which this gateway is used. */
  readonly currency: string
  /** Headers that the gateway sends and does not sign, lower case. */
  readonly unsignedHeaders?: readonly string[]
  /** Throws RangeError for a kind that is not among `kinds`, and for a secret that cannot sign. */
  build(spec: SampleSpec): SignedSample
  /** Any bytes with the signature that the gateway would give them; null where it could not sign such a body at all. */
  sign(body: Buffer, spec: SampleSpec): SignedSample | null
}

/** A gateway's words, by what they mean. */
export type Words<Word> = Readonly<Partial<Record<EventKind, Word>>>

export function kindsOf(words: Words<unknown>): readonly EventKind[] {
  return Object.keys(words) as EventKind[]
}

export function wordsFor<Word>(words: Words<Word>, kind: EventKind): Word {
  const found = words[kind]
  if (found === undefined) throw new RangeError(`this gateway has no event that means ${kind}`)
  return found
}

/** The JSON, with a `filler` at its end where `bodyBytes` asks for more. */
export function jsonBody(value: JsonObject, bodyBytes = 0): Buffer {
  const body = Buffer.from(JSON.stringify(value))
  const missing = bodyBytes - body.length - ',"filler":{}'.length
  if (missing <= 0) return body
  const aComma = 1
  const filler = Object.fromEntries(fillerFields(missing + aComma, '"":"",'.length))
  return Buffer.from(JSON.stringify({ ...value, filler }))
}

const FILLER_VALUE = 'a value of no meaning'

/**
 * Fields of no meaning, as long as those of real bodies usually are, which take so many bytes together (or as few as one field
 * can), with `bytesAround` the name and the value of each for quotes and marks.
 */
export function fillerFields(
  bytes: number,
  bytesAround: number,
): readonly (readonly [name: string, value: string])[] {
  const bytesBeside = 'field_000000'.length + bytesAround
  const count = Math.max(1, Math.floor(bytes / (bytesBeside + FILLER_VALUE.length)))
  const lastValueBytes = bytes - count * bytesBeside - (count - 1) * FILLER_VALUE.length
  return Array.from({ length: count }, (_, index) => [
    `field_${String(index).padStart(6, '0')}`,
    index < count - 1
      ? FILLER_VALUE
      : FILLER_VALUE.padEnd(lastValueBytes, '.').slice(0, Math.max(0, lastValueBytes)),
  ])
}

/** Signs a part of a body where there is such a part and it can be signed. */
export function signedOrNull(value: unknown, sign: (value: JsonObject) => string): string | null {
  if (!isObject(value)) return null
  try {
    return sign(value)
  } catch {
    return null
  }
}
