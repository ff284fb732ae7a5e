import type { Pool, PoolConnection } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import { type Id, idToText } from '../base/ids.ts'
import { type AuditAction, appendAudit, type Deed } from './audit.ts'
import type { EventState } from './event.ts'
import type { ReplayFilter } from './event-filter.ts'
import { reopenEvents } from './event-store.ts'
import {
  discardLocked,
  findOperable,
  leaveWaitingRoom,
  lockForOperation,
  type OperableEvent,
  readForOperation,
} from './operate-store.ts'
import { type OperationVerb, type Refusal, refusalOf } from './permission.ts'

/** An event that was left as it is, and why. */
export interface RefusedEvent {
  readonly id: Id
  readonly refusal: Refusal | 'not_found'
  /** Its state; null when there is no such event. */
  readonly state: EventState | null
}

export interface OperationReport {
  /** The events that this call changed, and nobody else's: two operators never share one. */
  readonly done: readonly Id[]
  readonly refused: readonly RefusedEvent[]
}

/** One transaction holds its rows' locks for some milliseconds at this size, and never grows with the task. */
export const PAGE = 1_000

/**
 * Puts events back to work as they were stored: attempts start anew, and nothing is approved, so what needs a person's
 * word comes back for it. An event that moved its payment is refused; the database would refuse it too.
 */
export async function replayEvents(pool: Pool, ids: readonly Id[], deed: Deed): Promise<OperationReport> {
  return operateOnIds(pool, ids, 'replay', deed)
}

/**
 * Puts events back to work with a person's word for them: an unsigned amount, a conflict, an amount that differs from the
 * expected one is then taken as true. `deed.reason` must say why.
 */
export async function releaseEvents(pool: Pool, ids: readonly Id[], deed: Deed): Promise<OperationReport> {
  return operateOnIds(pool, ids, 'release', deed)
}

/** Ends events without any effect. `deed.reason` must say why. The row and its bytes stay. */
export async function discardEvents(pool: Pool, ids: readonly Id[], deed: Deed): Promise<OperationReport> {
  return operateOnIds(pool, ids, 'discard', deed)
}

/** What replayEvents would do with these ids as they are now. Changes and locks nothing. */
export async function previewReplay(pool: Pool, ids: readonly Id[]): Promise<OperationReport> {
  return pageByPage(ids, async (page) => judged(page, await readForOperation(pool, page), 'replay'))
}

/** Each page is a transaction of its own: what was done before an error stays done, and is audited. */
async function operateOnIds(
  pool: Pool,
  ids: readonly Id[],
  verb: OperationVerb,
  deed: Deed,
): Promise<OperationReport> {
  return pageByPage(ids, (page) =>
    inTransaction(pool, `${verb} events`, async (connection) => {
      const events = await lockForOperation(connection, page, 'wait')
      const willing = events.filter((event) => refusalOf(verb, event) === null)
      await change(connection, willing, verb, deed)
      return judged(page, events, verb)
    }),
  )
}

async function pageByPage(
  ids: readonly Id[],
  operate: (page: readonly Id[]) => Promise<OperationReport>,
): Promise<OperationReport> {
  const distinct = [...new Map(ids.map((id) => [id.toString('hex'), id])).values()]
  const done: Id[] = []
  const refused: RefusedEvent[] = []
  for (let start = 0; start < distinct.length; start += PAGE) {
    const report = await operate(distinct.slice(start, start + PAGE))
    done.push(...report.done)
    refused.push(...report.refused)
  }
  return { done, refused }
}

/** Pure: which of the asked events may be operated on, and why not the others. */
function judged(page: readonly Id[], events: readonly OperableEvent[], verb: OperationVerb): OperationReport {
  const found = new Map(events.map((event) => [event.id.toString('hex'), event]))
  const done: Id[] = []
  const refused: RefusedEvent[] = []
  for (const id of page) {
    const event = found.get(id.toString('hex'))
    const refusal = event === undefined ? 'not_found' : refusalOf(verb, event)
    if (refusal === null) done.push(id)
    else refused.push({ id, refusal, state: event?.state ?? null })
  }
  return { done, refused }
}

/** The events, what they wait for, and the audit: all or nothing. Locks as processing does: events first. */
async function change(
  connection: PoolConnection,
  events: readonly OperableEvent[],
  verb: OperationVerb,
  deed: Deed,
): Promise<void> {
  if (events.length === 0) return
  const ids = events.map(({ id }) => id)
  if (verb === 'discard') await discardLocked(connection, ids)
  else await reopenEvents(connection, ids, [...new Set(events.map(({ state }) => state))], verb === 'release')
  await leaveWaitingRoom(connection, ids)
  const action: AuditAction = `event.${verb}`
  await appendAudit(
    connection,
    events.map(({ id, state, outcome, reason }) => ({
      ...deed,
      action,
      subject: idToText(id),
      details: { state, outcome, reason },
    })),
  )
}

const FIRST_ID: Id = Buffer.alloc(16)

/**
 * Replays whatever the filter finds, oldest first, at most `limit`, in pages of 1,000; returns what this call put back.
 * It goes once through the ids, so that an event which fails again meanwhile is not replayed again. What a worker or
 * another operator holds at that moment is left to them.
 */
export async function replayMatching(
  pool: Pool,
  filter: ReplayFilter,
  deed: Deed,
  limit: number,
): Promise<Id[]> {
  const done: Id[] = []
  for await (const page of pagesOf(pool, filter, limit)) {
    const replayed = await inTransaction(pool, 'replay events', async (connection) => {
      const events = await lockForOperation(connection, page, 'skip')
      const willing = events.filter(
        (event) => event.state === filter.state && refusalOf('replay', event) === null,
      )
      await change(connection, willing, 'replay', deed)
      return willing.map(({ id }) => id)
    })
    done.push(...replayed)
  }
  return done
}

/** What replayMatching would put back if nothing moved meanwhile. Changes and locks nothing. */
export async function findReplayable(pool: Pool, filter: ReplayFilter, limit: number): Promise<Id[]> {
  const found: Id[] = []
  for await (const page of pagesOf(pool, filter, limit)) found.push(...page)
  return found
}

async function* pagesOf(pool: Pool, filter: ReplayFilter, limit: number): AsyncGenerator<Id[]> {
  let after = FIRST_ID
  for (let left = limit; left > 0; ) {
    const wanted = Math.min(PAGE, left)
    const page = await findOperable(pool, filter, after, wanted)
    if (page.length > 0) yield page
    if (page.length < wanted) return
    after = page.at(-1) ?? after
    left -= page.length
  }
}
