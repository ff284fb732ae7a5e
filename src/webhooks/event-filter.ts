import type { Id } from '../base/ids.ts'
import type { EventState } from './event.ts'

/** Which events a person means. What is left out does not narrow. `since` is included, `until` is not. */
export interface EventFilter {
  readonly state?: EventState | undefined
  readonly gateway?: string | undefined
  readonly account?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  readonly paymentId?: Id | undefined
}

/** A filter for replay names its state: what is dead and what is parked are different decisions. */
export type ReplayFilter = EventFilter & { readonly state: EventState }

export interface Condition {
  readonly sql: string
  readonly values: readonly unknown[]
}

/** The filter as SQL over webhook_events. Pure. */
export function conditionOf(filter: EventFilter): Condition {
  const parts: Condition[] = []
  const add = (sql: string, ...values: readonly unknown[]): void => void parts.push({ sql, values })
  if (filter.state !== undefined) add(stateCondition(filter.state), filter.state)
  if (filter.gateway !== undefined) add('gateway = ?', filter.gateway)
  if (filter.account !== undefined) add('account = ?', filter.account)
  if (filter.since !== undefined) add('id >= ? AND received_at >= ?', firstIdAt(filter.since), filter.since)
  if (filter.until !== undefined) add('id <= ? AND received_at < ?', lastIdAt(filter.until), filter.until)
  if (filter.paymentId !== undefined) add('payment_id = ?', filter.paymentId)
  return and(parts)
}

/** All conditions at once; nothing to ask is true. */
export function and(parts: readonly Condition[]): Condition {
  if (parts.length === 0) return { sql: 'TRUE', values: [] }
  return { sql: parts.map(({ sql }) => sql).join(' AND '), values: parts.flatMap(({ values }) => values) }
}

/**
 * Only `received` and `unconfirmed` have a next look-out; saying so of the others makes the index due answer in the order of ids,
 * without sorting.
 */
function stateCondition(state: EventState): string {
  const hasNextLook = state === 'received' || state === 'unconfirmed'
  return hasNextLook ? 'state = ?' : 'next_at IS NULL AND state = ?'
}

/**
 * received_at has no index, but an id begins with the minting process's clock. The primary key narrows by it with this
 * much room for clocks that differ; received_at, which is the database's, then decides.
 */
const CLOCK_ROOM_MS = 3_600_000

function firstIdAt(moment: Date): Id {
  return idAt(moment.getTime() - CLOCK_ROOM_MS, 0x00)
}

function lastIdAt(moment: Date): Id {
  return idAt(moment.getTime() + CLOCK_ROOM_MS, 0xff)
}

const MAX_UUID_TIME_MS = 2 ** 48 - 1

/** RFC 9562, 5.7: the first 48 bits of a UUIDv7 are milliseconds since 1970, big-endian. */
function idAt(timeMs: number, fill: number): Id {
  const id = Buffer.alloc(16, fill)
  id.writeUIntBE(Math.min(Math.max(timeMs, 0), MAX_UUID_TIME_MS), 0, 6)
  return id
}
