import { expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Told } from './told.ts'

/** A row of webhook_events, as the checks need it; ids and hashes in hex. */
export interface StoredEvent {
  readonly id: string
  readonly key: string
  readonly digest: string
  readonly eventId: string
  readonly state: string
  readonly reason: string | null
  readonly conflictsWith: string | null
  readonly body: string
}

/** Every row, in the order of event keys. */
export async function storedEvents(pool: Pool): Promise<StoredEvent[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT id, event_key, digest, event_id, state, reason, conflicts_with, body FROM webhook_events
     ORDER BY event_key LIMIT 1000000`,
  )
  return rows.map((row) => ({
    id: row.id.toString('hex'),
    key: row.event_key.toString('hex'),
    digest: row.digest.toString('hex'),
    eventId: row.event_id,
    state: row.state,
    reason: row.reason,
    conflictsWith: row.conflicts_with?.toString('hex') ?? null,
    body: row.body.toString(),
  }))
}

/**
 * What was told agrees with what is stored: one row a key; the row that stands was told `stored` to its own delivery and
 * to no other; duplicates carry its money and conflicts do not; every conflict's bytes are kept, once, in quarantine.
 * With `faults` a delivery may have been told nothing, so a row need not have been claimed by anyone.
 */
export function expectToldAndStoredAgree(
  all: readonly Told[],
  rows: readonly StoredEvent[],
  faults = false,
): void {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const byKey = new Map(rows.map((row) => [row.key, row]))
  expect(byKey.size, 'every key once').toBe(rows.length)
  const claims = new Map<string, number>()
  for (const delivery of all) {
    if (delivery.kind === 'unavailable' || delivery.kind === 'refused') continue
    const row = byKey.get(delivery.key)
    expect(row?.id, 'the row that stands is the row of its key').toBe(delivery.standing)
    if (delivery.kind === 'stored') {
      claims.set(delivery.key, (claims.get(delivery.key) ?? 0) + 1)
      expect(row).toMatchObject({
        id: delivery.id,
        digest: delivery.digest,
        state: 'received',
        body: delivery.body,
      })
    } else if (delivery.kind === 'duplicate') {
      expect(row?.id).not.toBe(delivery.id)
      expect(row?.digest).toBe(delivery.digest)
    } else expectKept(delivery, row, byId)
  }
  const kept = rows.filter((row) => row.conflictsWith !== null)
  const keptPairs = new Set(kept.map((row) => `${row.conflictsWith} ${row.digest}`))
  expect(keptPairs.size, 'a conflict that comes again is kept once').toBe(kept.length)
  expect(
    [...claims.values()].every((count) => count === 1),
    'stored is told once a key',
  ).toBe(true)
  if (faults) return
  expect(claims.size, 'every key was told stored').toBe(new Set(all.map(({ key }) => key)).size)
  const conflicts = new Set(
    all.filter(({ kind }) => kind === 'conflict').map(({ key, digest }) => key + digest),
  )
  expect(rows.length, 'nothing else is stored').toBe(claims.size + conflicts.size)
}

function expectKept(
  delivery: Told,
  first: StoredEvent | undefined,
  byId: ReadonlyMap<string, StoredEvent>,
): void {
  expect(first?.digest).not.toBe(delivery.digest)
  expect(byId.get(delivery.conflictId ?? '')).toMatchObject({
    conflictsWith: delivery.standing,
    digest: delivery.digest,
    body: delivery.body,
    state: 'quarantined',
    reason: 'event_id_conflict',
  })
}
