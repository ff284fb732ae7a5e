import { hash } from 'node:crypto'
import { canonicalJson } from '../idempotency/canonical.ts'
import { fingerprint, recordKey } from '../idempotency/key.ts'
import type { OnceRequest } from '../idempotency/once.ts'

const FINGERPRINT_VERSION = 'redis-1'

/** What a message says of itself, by which the processes know that they heard the same one. */
export interface MessageIdentity {
  readonly channel: string
  /** The one thing that it is about; null where it names none. */
  readonly subject: string | null
  /** When it was published, or what stands in for that; null where nothing does. */
  readonly stamp: string | null
}

/**
 * The key under which a message is acted on once. What it lacks, its content stands in for: two messages that say the same and
 * name neither a subject nor a time are one. Throws RangeError where the JSON is nested too deeply to be read.
 */
export function messageKey({ channel, subject, stamp }: MessageIdentity, json: string): OnceRequest {
  const canonical = canonicalJson(json)
  const digest = hash('sha256', canonical, 'hex')
  const key = [subject ?? digest, stamp ?? digest].map((part) => `${part.length}:${part}`).join(' ')
  return {
    key: recordKey({ kind: 'redis', tenant: 'laravel', actor: '', operation: channel, key }),
    fingerprint: fingerprint(FINGERPRINT_VERSION, [channel, canonical]),
  }
}
