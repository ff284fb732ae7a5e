import { isUtf8 } from 'node:buffer'
import { assert } from '../base/assert.ts'
import type { NumberedMessage } from './message.ts'

/** Whom a message goes to: one user's sockets, or all that watch a ride. */
export type Address = { readonly userId: string } | { readonly rideId: string }

interface Said {
  readonly event: string
  /** JSON values only. */
  readonly data: Readonly<Record<string, unknown>>
}

/** A message of a user's feed: never dropped, and found by its number where it is lost on the way. */
export type DurablePush = NumberedMessage & {
  /** When the fact that it tells of reached us, wall clock in milliseconds; by default when it is published. */
  readonly bornAtMs?: number
}

/** Told to those who listen at that moment, and kept by nobody. */
export type EphemeralPush = Said & Address

/** Told until it expires, and never after. */
export type OfferPush = Said & Address & { readonly expiresAtMs: number }

/** Of several with one key, a socket that is busy gets the newest alone. At most 64 visible ASCII characters. */
export type LatestPush = Said & Address & { readonly latestOf: string }

/** No message: the user's sockets with a lower fence are another session's, and over. */
export interface FencePush {
  readonly userId: string
  readonly fence: number
}

export type Push = DurablePush | OfferPush | LatestPush | EphemeralPush | FencePush

/**
 * What a channel carries, as whoever holds the sockets reads it. `frame` is the JSON text that a socket gets as it is: a part
 * of the bytes that were parsed, and not a copy.
 */
export type Envelope =
  | { readonly type: 'durable'; readonly seq: number; readonly bornAtMs: number; readonly frame: Buffer }
  | { readonly type: 'ephemeral'; readonly frame: Buffer }
  | { readonly type: 'offer'; readonly expiresAtMs: number; readonly frame: Buffer }
  | { readonly type: 'latest'; readonly key: string; readonly frame: Buffer }
  | { readonly type: 'fence'; readonly fence: number }

/**
 * A push as it goes through Redis: one letter for its class, an argument, one blank, the frame. So a process learns what to do with
 * it from the first bytes and need not read the JSON. `dataJson` is the data's JSON where it is known already. Pure; a number that
 * is none and a key that cannot be one are defects of the caller.
 */
export function encodeEnvelope(push: Push, nowMs: number, dataJson?: string): string {
  if ('fence' in push) return `x${whole(push.fence)} `
  const frame = frameOf(push, dataJson)
  if ('seq' in push) return `d${whole(push.seq)},${whole(push.bornAtMs ?? nowMs)} ${frame}`
  if ('expiresAtMs' in push) return `o${whole(push.expiresAtMs)} ${frame}`
  if (!('latestOf' in push)) return `e ${frame}`
  assert(KEY.test(push.latestOf), 'a key that is none')
  return `l${push.latestOf} ${frame}`
}

/** The JSON text that a socket gets; `seq` where the message is kept, `expiresAt` where it ends. */
export function frameOf(push: Exclude<Push, FencePush>, dataJson = JSON.stringify(push.data)): string {
  const event = JSON.stringify(push.event)
  if ('seq' in push) return `{"event":${event},"seq":${push.seq},"data":${dataJson}}`
  if ('expiresAtMs' in push) return `{"event":${event},"data":${dataJson},"expiresAt":${push.expiresAtMs}}`
  return `{"event":${event},"data":${dataJson}}`
}

const KEY = /^[\x21-\x7e]{1,64}$/

function whole(value: number): number {
  assert(Number.isSafeInteger(value) && value >= 0, 'a number that is not whole')
  return value
}

const BLANK = 0x20
const BRACE = { open: 0x7b, close: 0x7d } as const
const CLASS = { durable: 0x64, ephemeral: 0x65, latest: 0x6c, offer: 0x6f, fence: 0x78 } as const
/** The class and the longest key; two numbers are shorter. */
const MAX_HEAD_BYTES = 65

/** Reads what encodeEnvelope() wrote; null for all other bytes. Never throws. Of the frame it looks at the ends and the encoding alone. */
export function parseEnvelope(bytes: Buffer): Envelope | null {
  const blank = blankIn(bytes)
  if (blank === -1) return null
  if (bytes[0] === CLASS.fence) return blank + 1 === bytes.length ? fenceIn(bytes, blank) : null
  const frame = bytes.subarray(blank + 1)
  if (frame[0] !== BRACE.open || frame[frame.length - 1] !== BRACE.close || !isUtf8(frame)) return null
  switch (bytes[0]) {
    case CLASS.durable:
      return durableIn(bytes, blank, frame)
    case CLASS.ephemeral:
      return blank === 1 ? { type: 'ephemeral', frame } : null
    case CLASS.offer: {
      const expiresAtMs = numberIn(bytes, 1, blank)
      return expiresAtMs === -1 ? null : { type: 'offer', expiresAtMs, frame }
    }
    case CLASS.latest: {
      const key = bytes.toString('latin1', 1, blank)
      return KEY.test(key) ? { type: 'latest', key, frame } : null
    }
    default:
      return null
  }
}

function fenceIn(bytes: Buffer, end: number): Envelope | null {
  const fence = numberIn(bytes, 1, end)
  return fence === -1 ? null : { type: 'fence', fence }
}

function durableIn(bytes: Buffer, end: number, frame: Buffer): Envelope | null {
  const comma = bytes.indexOf(COMMA, 1)
  if (comma === -1 || comma > end) return null
  const seq = numberIn(bytes, 1, comma)
  const bornAtMs = numberIn(bytes, comma + 1, end)
  return seq === -1 || bornAtMs === -1 ? null : { type: 'durable', seq, bornAtMs, frame }
}

const COMMA = 0x2c

/** Where the head ends; -1 where none does. */
function blankIn(bytes: Buffer): number {
  const end = Math.min(bytes.length, MAX_HEAD_BYTES + 1)
  for (let at = 1; at < end; at += 1) if (bytes[at] === BLANK) return at
  return -1
}

/** The whole number between the two places, written as JavaScript writes it; -1 where there is none. */
function numberIn(bytes: Buffer, from: number, to: number): number {
  if (to <= from || (bytes[from] === ZERO && to > from + 1)) return -1
  let value = 0
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > Number.MAX_SAFE_INTEGER) return -1
  }
  return value
}

const ZERO = 0x30
