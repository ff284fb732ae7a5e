/*
 * How far the user's feed was seen: pure.
 *
 *   number   is last + 1 ──▶ deliver it
 *            is lower    ──▶ it was seen: drop it
 *            is higher   ──▶ something between is missing: ask for it, once, and drop what comes meanwhile; the answer has it all
 */

export interface FeedPosition {
  /** The number of the last message that the application has seen, or that a snapshot covers; null: not known yet. */
  readonly last: number | null
  /** The missing was asked for, and neither the answer nor any of it came. */
  readonly isAsked: boolean
}

export type FeedVerdict = 'deliver' | 'seen' | 'ask' | 'awaited'

export const NOWHERE: FeedPosition = { last: null, isAsked: false }

/** A numbered message came. */
export function onNumbered(position: FeedPosition, seq: number): [FeedPosition, FeedVerdict] {
  const { last, isAsked } = position
  // Before `ready` nothing is numbered; the snapshot there has whatever this was.
  if (last === null || seq <= last) return [position, 'seen']
  if (seq === last + 1) return [{ last: seq, isAsked: false }, 'deliver']
  return isAsked ? [position, 'awaited'] : [{ last, isAsked: true }, 'ask']
}

export type ReadyVerdict = 'go_on' | 'ask'

/**
 * The connection is ready. Whoever has seen nothing yet begins at the head, whose state the snapshot shows, or (`acked`) after what
 * any app of the user has acknowledged. A connection with `since` is replayed, or reset, by itself.
 */
export function onReady(
  position: FeedPosition,
  { head, acked }: { readonly head: number; readonly acked: number },
  start: 'head' | 'acked',
): [FeedPosition, ReadyVerdict] {
  const { last } = position
  if (last === null) {
    if (start === 'head' || acked >= head) return [{ last: head, isAsked: false }, 'go_on']
    return [{ last: acked, isAsked: true }, 'ask']
  }
  return [{ last, isAsked: false }, 'go_on']
}

/** `feed:reset`: what is missing is no longer to be had, and the snapshot stands for it. */
export function onReset(head: number): FeedPosition {
  return { last: head, isAsked: false }
}

/** The server has answered the request for what is missing: what is missing from now on is asked for anew. */
export function onAnswered({ last }: FeedPosition): FeedPosition {
  return { last, isAsked: false }
}
