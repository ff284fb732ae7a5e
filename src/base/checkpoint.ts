import type { EventEmitter } from 'node:events'

/**
 * Named moments in the life of an event. Production never listens to them; the crash tests end the process at one of
 * them, so that every gap between two steps has been a place of death.
 */
export type EventCheckpoint =
  | 'ingest:before-insert'
  | 'ingest:insert-sent'
  | 'ingest:committed'
  | 'ingest:acknowledged'
  | 'ingest:before-ring'
  | 'ingest:rung'
  | 'process:claimed'
  | 'process:locked'
  | 'process:written'
  | 'process:commit-sent'
  | 'process:committed'

/** Moments of asking a gateway whether an event is true. */
export type ConfirmCheckpoint = 'confirm:asking' | 'confirm:answered' | 'confirm:written'

/** Moments in the life of a request with a key, and of an operation of several phases. */
export type KeyCheckpoint =
  | 'once:claimed'
  | 'once:handled'
  | 'once:commit-sent'
  | 'once:committed'
  | 'operation:claimed'
  | 'operation:stepped'
  | 'operation:fenced'
  | 'operation:commit-sent'
  | 'operation:committed'

/** Moments in the life of a message for a user, and of the socket that it goes to. */
export type FeedCheckpoint =
  | 'feed:before-publish'
  | 'feed:listening'
  | 'feed:greeted'
  | 'feed:page-read'
  | 'feed:page-sent'

export type Checkpoint = EventCheckpoint | ConfirmCheckpoint | KeyCheckpoint | FeedCheckpoint

let listener: ((checkpoint: Checkpoint) => void) | null = null

/** Says that this moment is reached. Costs one null check. */
export function reached(checkpoint: Checkpoint): void {
  listener?.(checkpoint)
}

/** Says that this moment is reached when `emitter` says `event`. Costs one null check where nobody listens. */
export function reachedOn(emitter: EventEmitter, event: string, checkpoint: Checkpoint): void {
  if (listener !== null) emitter.once(event, () => reached(checkpoint))
}

/** Installs the one listener of this process (a fault test's). */
export function listenToCheckpoints(next: ((checkpoint: Checkpoint) => void) | null): void {
  listener = next
}
