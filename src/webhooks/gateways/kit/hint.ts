/**
 * Hints (deliveries that name what changed and not how) have no id of their own. One that comes again within the same stretch is a
 * repetition; a later one is another event, because what it hints at may have changed again.
 */
export const HINT_SECONDS = 10

/** The event id of a hint at `what`: `tr_1@179000000`. Without a clock (a judged file) all are one. */
export function hintId(what: string, nowMs: number | null): string {
  return `${what}@${nowMs === null ? 0 : Math.floor(nowMs / (HINT_SECONDS * 1_000))}`
}
