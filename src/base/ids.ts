import { randomFillSync } from 'node:crypto'
import { parse, stringify, v7 } from 'uuid'

/** A UUIDv7 as the 16 bytes that BINARY(16) holds. Ids of one process ascend, so that inserts append to the primary key. */
export type Id = Buffer

const ID_BYTES = 16
/** Random bytes are fetched for so many ids at once: fetching them for each took a twentieth of the ingest's time. */
const IDS_A_FETCH = 256
const randomness = Buffer.allocUnsafe(IDS_A_FETCH * ID_BYTES)
let used = randomness.length
/** The time and the counter of the id before: of one millisecond, and when the clock goes back, the counter ascends. */
let msecs = Number.NEGATIVE_INFINITY
let seq = 0

/** Mints an id. Unique without coordination; never reused for another row. */
export function newId(): Id {
  const random = nextRandomness()
  const now = Date.now()
  if (now > msecs) {
    msecs = now
    seq = random.readInt32BE(6) & 0x7fff_ffff
  } else {
    seq = (seq + 1) | 0
    if (seq === 0) msecs += 1
  }
  return v7({ random, msecs, seq }, Buffer.allocUnsafe(ID_BYTES))
}

function nextRandomness(): Buffer {
  if (used === randomness.length) {
    randomFillSync(randomness)
    used = 0
  }
  used += ID_BYTES
  return randomness.subarray(used - ID_BYTES, used)
}

/** The text form for people, logs and JSON. */
export function idToText(id: Id): string {
  return stringify(id)
}

/** Parses the text form; null when it is not a UUID. */
export function idFromText(text: string): Id | null {
  try {
    return Buffer.from(parse(text))
  } catch {
    return null
  }
}
