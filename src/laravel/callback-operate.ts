import type { Pool, PoolConnection } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import { type Id, idToText } from '../base/ids.ts'
import { findMessages, type MessageFilter } from '../outbox/list.ts'
import type { OutboxState } from '../outbox/message.ts'
import {
  discardMessages,
  lockMessages,
  type OperableMessage,
  readMessages,
  reopenMessages,
  wakeKeysOf,
} from '../outbox/operate-store.ts'
import { appendAudit, type Deed } from '../webhooks/audit.ts'
import { LARAVEL_TOPIC } from './queue.ts'

/** Why a callback must be left as it is. */
export const CALLBACK_REFUSALS = {
  at_work: 'it is at work already',
  in_flight: 'it is in flight, and Laravel may be acting on it; try again when it has ended',
  delivered: 'Laravel has it',
  discarded: 'a person discarded it, for good',
  not_found: 'there is no such callback',
} as const
export type CallbackRefusal = keyof typeof CALLBACK_REFUSALS

export interface CallbackReport {
  /** The callbacks that this call changed, and nobody else's. */
  readonly done: readonly Id[]
  readonly refused: readonly {
    readonly id: Id
    readonly refusal: CallbackRefusal
    readonly state: OutboxState | null
  }[]
  /** Whom to ring for: what was put back, or what waited behind what was discarded. */
  readonly toRing: readonly Id[]
}

export type CallbackVerb = 'replay' | 'discard'

/** Whether a person may do this to a callback in this state; null: yes. Pure. */
export function refusalOf(verb: CallbackVerb, state: OutboxState): CallbackRefusal | null {
  switch (state) {
    case 'dead':
      return null
    case 'pending':
      return verb === 'discard' ? null : 'at_work'
    case 'sending':
      return 'in_flight'
    case 'done':
      return 'delivered'
    case 'discarded':
      return 'discarded'
  }
}

/** One transaction holds its rows' locks for some milliseconds at this size, and never grows with the task. */
const PAGE = 500

/**
 * Puts dead callbacks back (replay) or ends waiting and dead ones without effect (discard), by ids; each page of 500 with its
 * audit in a transaction of its own. A callback that is put back takes its old place: it goes before whatever of its key
 * has not been sent yet, and after whatever has.
 */
export async function operateOnCallbacks(
  pool: Pool,
  verb: CallbackVerb,
  ids: readonly Id[],
  deed: Deed,
): Promise<CallbackReport> {
  return pageByPage(ids, async (page) => {
    const { found, willing, woken } = await inTransaction(pool, `${verb} callbacks`, async (connection) => {
      const found = await lockMessages(connection, LARAVEL_TOPIC, page)
      const willing = found.filter(({ state }) => refusalOf(verb, state) === null)
      return { found, willing, woken: await change(connection, verb, willing, deed) }
    })
    const addedMeanwhile = verb === 'discard' ? await wakeKeysOf(pool, willing) : []
    return { ...judged(verb, page, found), toRing: distinct([...woken, ...addedMeanwhile]) }
  })
}

/** What a replay of these ids would do as they are now. Changes and locks nothing. */
export async function previewReplay(pool: Pool, ids: readonly Id[]): Promise<CallbackReport> {
  return pageByPage(ids, async (page) => {
    const found = await readMessages(pool, LARAVEL_TOPIC, page)
    return { ...judged('replay', page, found), toRing: [] }
  })
}

/** The dead callbacks that the filter finds, the oldest first, at most `limit`. */
export async function findDeadCallbacks(pool: Pool, filter: MessageFilter, limit: number): Promise<Id[]> {
  const ids: Id[] = []
  for (let after = 0; ids.length < limit; ) {
    const wanted = Math.min(PAGE, limit - ids.length)
    const page = await findMessages(
      pool,
      LARAVEL_TOPIC,
      { ...filter, state: 'dead' },
      { after, limit: wanted },
    )
    ids.push(...page.map(({ id }) => id))
    if (page.length < wanted) break
    after = page.at(-1)?.sequence ?? after
  }
  return ids
}

async function pageByPage(
  ids: readonly Id[],
  operate: (page: readonly Id[]) => Promise<CallbackReport>,
): Promise<CallbackReport> {
  const all = distinct(ids)
  const reports: CallbackReport[] = []
  for (let start = 0; start < all.length; start += PAGE) {
    reports.push(await operate(all.slice(start, start + PAGE)))
  }
  return {
    done: reports.flatMap(({ done }) => done),
    refused: reports.flatMap(({ refused }) => refused),
    toRing: reports.flatMap(({ toRing }) => toRing),
  }
}

function distinct(ids: readonly Id[]): Id[] {
  return [...new Map(ids.map((id) => [id.toString('hex'), id])).values()]
}

/** Pure: which of the asked callbacks may be operated on, and why not the others. */
function judged(
  verb: CallbackVerb,
  page: readonly Id[],
  found: readonly OperableMessage[],
): Pick<CallbackReport, 'done' | 'refused'> {
  const states = new Map(found.map(({ id, state }) => [id.toString('hex'), state]))
  const all = page.map((id) => {
    const state = states.get(id.toString('hex')) ?? null
    return { id, state, refusal: state === null ? ('not_found' as const) : refusalOf(verb, state) }
  })
  return {
    done: all.filter(({ refusal }) => refusal === null).map(({ id }) => id),
    refused: all.flatMap(({ id, state, refusal }) => (refusal === null ? [] : [{ id, state, refusal }])),
  }
}

async function change(
  connection: PoolConnection,
  verb: CallbackVerb,
  messages: readonly OperableMessage[],
  deed: Deed,
): Promise<Id[]> {
  if (messages.length === 0) return []
  const ids = messages.map(({ id }) => id)
  if (verb === 'replay') await reopenMessages(connection, ids)
  else await discardMessages(connection, messages)
  const toRing = verb === 'replay' ? ids : await wakeKeysOf(connection, messages)
  await appendAudit(
    connection,
    messages.map(({ id, state, reason, orderingKey }) => ({
      ...deed,
      action: `callback.${verb}` as const,
      subject: idToText(id),
      details: { state, reason, orderingKey },
    })),
  )
  return toRing
}
