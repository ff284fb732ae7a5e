import { setTimeout as pause } from 'node:timers/promises'
import { isRetryable, isUnavailable } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import { withConnection } from '../../db/transaction.ts'
import { reached } from '../base/checkpoint.ts'
import type { Id } from '../base/ids.ts'
import { decideClaim } from '../idempotency/decide.ts'
import { asConflict, type NewEvent } from './event.ts'
import { insertEvents, readClaims } from './event-insert.ts'

/** What became of one delivered event. `id` is the row that stands: mine, or the one that was there first. */
export type Verdict =
  | { readonly kind: 'stored'; readonly id: Id }
  | { readonly kind: 'duplicate'; readonly id: Id }
  | { readonly kind: 'conflict'; readonly id: Id; readonly conflictId: Id }

/** The database was away, frozen or too slow. Whether the event is stored is unknown; it must not be acknowledged. */
export class StoreUnavailable extends Error {}

/** The database refused this very row, whatever its neighbours. A defect of our validation; not acknowledged. */
export class RowRefused extends Error {}

export type BatchOutcome = Verdict | StoreUnavailable | RowRefused

const RETRY_PAUSE_MS = 20
/** A shorter try would only be cut off in the middle, which costs a connection. */
const SHORTEST_TRY_MS = 50

/**
 * Commits a batch of events of any keys, before `deadlineMs` (on the monotonic clock). Returns one outcome an event, in
 * order; never throws. An event with the outcome stored, duplicate or conflict is durable.
 */
export async function commitBatch(
  pool: Pool,
  events: readonly NewEvent[],
  deadlineMs: number,
): Promise<BatchOutcome[]> {
  const firsts = firstOfEachKey(events)
  const outcomes = await commitDistinct(pool, [...firsts.values()], deadlineMs)
  const verdicts = events.map((event) => {
    const first = firsts.get(event.eventKey.toString('hex'))
    const outcome = first && outcomes.get(first)
    return outcome === undefined ? new StoreUnavailable('no outcome') : verdictFor(event, first, outcome)
  })
  return keepConflicts(pool, events, verdicts, deadlineMs)
}

/** Repeats within a batch would only make the statement longer: the first of each key goes in. Sorted by key. */
function firstOfEachKey(events: readonly NewEvent[]): Map<string, NewEvent> {
  const firsts = new Map<string, NewEvent>()
  for (const event of events) {
    const key = event.eventKey.toString('hex')
    if (!firsts.has(key)) firsts.set(key, event)
  }
  return new Map([...firsts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The row that stands under the key, as this batch found or made it. */
interface Standing {
  readonly claim: Id
  readonly fingerprint: Buffer
}

type Outcome = Standing | StoreUnavailable | RowRefused

function verdictFor(event: NewEvent, first: NewEvent | undefined, outcome: Outcome): BatchOutcome {
  if (outcome instanceof Error) return outcome
  const verdict = decideClaim({ claim: event.id, fingerprint: event.digest }, outcome)
  if (verdict === 'stored' && first === event) return { kind: 'stored', id: event.id }
  if (verdict === 'conflict') return { kind: 'conflict', id: outcome.claim, conflictId: event.id }
  return { kind: 'duplicate', id: outcome.claim }
}

/** A conflict is acknowledged too, so its bytes must be durable before: they go in under a key of their own. */
async function keepConflicts(
  pool: Pool,
  events: readonly NewEvent[],
  verdicts: BatchOutcome[],
  deadlineMs: number,
): Promise<BatchOutcome[]> {
  if (!verdicts.some(isConflict)) return verdicts
  const conflicts = new Map<number, NewEvent>()
  for (const [index, verdict] of verdicts.entries()) {
    const event = events[index]
    if (event && isConflict(verdict)) conflicts.set(index, asConflict(event, verdict.id))
  }
  const firsts = firstOfEachKey([...conflicts.values()])
  const outcomes = await commitDistinct(pool, [...firsts.values()], deadlineMs)
  return verdicts.map((verdict, index) => {
    const conflict = conflicts.get(index)
    if (!conflict || !isConflict(verdict)) return verdict
    const first = firsts.get(conflict.eventKey.toString('hex'))
    const outcome = first && outcomes.get(first)
    if (outcome === undefined || outcome instanceof Error)
      return outcome ?? new StoreUnavailable('no outcome')
    return { ...verdict, conflictId: outcome.claim }
  })
}

function isConflict(outcome: BatchOutcome): outcome is Extract<Verdict, { kind: 'conflict' }> {
  return !(outcome instanceof Error) && outcome.kind === 'conflict'
}

/** Rows of distinct keys, sorted. A row that fails for itself is found by halving, so that it cannot fail its neighbours. */
async function commitDistinct(
  pool: Pool,
  rows: readonly NewEvent[],
  deadlineMs: number,
): Promise<Map<NewEvent, Outcome>> {
  try {
    return await insertUntilKnown(pool, rows, deadlineMs)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (rows.length === 1) return new Map(rows.map((row) => [row, new RowRefused(reason, { cause: error })]))
    const middle = rows.length >> 1
    const left = await commitDistinct(pool, rows.slice(0, middle), deadlineMs)
    const right = await commitDistinct(pool, rows.slice(middle), deadlineMs)
    return new Map([...left, ...right])
  }
}

/**
 * Sends the same INSERT with the same ids until its effect is known, or the deadline is over for what is left. After a cut
 * connection that is the only safe question: it waits for the orphaned transaction, where a plain read on a new connection
 * could be too early to call a row absent. A row that such a read does find stands; so after a lock wait the rows that
 * stand are told by reading, and a worker's lock on one of them keeps no other row waiting.
 */
async function insertUntilKnown(
  pool: Pool,
  rows: readonly NewEvent[],
  deadlineMs: number,
): Promise<Map<NewEvent, Outcome>> {
  const known = new Map<NewEvent, Outcome>()
  let missing = rows
  let readsFirst = false
  let cause: unknown
  for (;;) {
    const leftMs = deadlineMs - performance.now()
    if (leftMs < SHORTEST_TRY_MS) {
      for (const row of missing)
        known.set(row, new StoreUnavailable('the database did not commit in time', { cause }))
      return known
    }
    try {
      await withConnection(pool, 'ingest', leftMs, async (connection) => {
        if (readsFirst) missing = remember(known, missing, await readStanding(connection, missing))
        if (missing.length > 0) missing = remember(known, missing, await insertAndRead(connection, missing))
      })
      if (missing.length === 0) return known
    } catch (error) {
      if (!isUnavailable(error)) throw error
      cause = error
      readsFirst = isRetryable(error)
    }
    await pause(Math.min(RETRY_PAUSE_MS, leftMs))
  }
}

/** Adds what was found to what is known; returns what is still missing. */
function remember(
  known: Map<NewEvent, Outcome>,
  missing: readonly NewEvent[],
  found: ReadonlyMap<NewEvent, Outcome>,
): readonly NewEvent[] {
  for (const [row, outcome] of found) known.set(row, outcome)
  return missing.filter((row) => !found.has(row))
}

type Connection = Parameters<typeof insertEvents>[0]

async function insertAndRead(
  connection: Connection,
  rows: readonly NewEvent[],
): Promise<Map<NewEvent, Outcome>> {
  reached('ingest:before-insert')
  const inserted = await insertEvents(connection, rows, () => reached('ingest:insert-sent'))
  reached('ingest:committed')
  if (inserted === rows.length) {
    return new Map(rows.map((row) => [row, { claim: row.id, fingerprint: row.digest }]))
  }
  return readStanding(connection, rows)
}

async function readStanding(
  connection: Connection,
  rows: readonly NewEvent[],
): Promise<Map<NewEvent, Outcome>> {
  const claims = await readClaims(
    connection,
    rows.map((row) => row.eventKey),
  )
  const found = new Map<NewEvent, Outcome>()
  for (const row of rows) {
    const claim = claims.get(row.eventKey.toString('hex'))
    if (claim) found.set(row, claim)
  }
  return found
}
