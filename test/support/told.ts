import { type BatchOutcome, RowRefused, StoreUnavailable } from '../../src/webhooks/commit-batch.ts'
import type { NewEvent } from '../../src/webhooks/event.ts'
import type { GroupCommit } from '../../src/webhooks/group-commit.ts'

/** A delivery and what it was told, in a form that crosses process borders. */
export interface Told {
  readonly id: string
  readonly key: string
  readonly digest: string
  readonly body: string
  readonly kind: 'stored' | 'duplicate' | 'conflict' | 'unavailable' | 'refused'
  /** The row that stands. */
  readonly standing: string | null
  readonly conflictId: string | null
}

export function told(event: NewEvent, outcome: BatchOutcome): Told {
  const delivery = {
    id: event.id.toString('hex'),
    key: event.eventKey.toString('hex'),
    digest: event.digest.toString('hex'),
    body: event.body.toString(),
  }
  if (outcome instanceof Error) {
    const kind = outcome instanceof RowRefused ? 'refused' : 'unavailable'
    return { ...delivery, kind, standing: null, conflictId: null }
  }
  const conflictId = outcome.kind === 'conflict' ? outcome.conflictId.toString('hex') : null
  return { ...delivery, kind: outcome.kind, standing: outcome.id.toString('hex'), conflictId }
}

/** Stores the event and says what it was told; throws what is neither a verdict nor one of the two refusals. */
export async function deliver(commit: Pick<GroupCommit, 'store'>, event: NewEvent): Promise<Told> {
  try {
    return told(event, await commit.store(event))
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof RowRefused) return told(event, error)
    throw error
  }
}
