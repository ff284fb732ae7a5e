import type { FactKind } from '../../../payments/fact.ts'
import type { Confirmation, EventInDoubt } from '../confirm.ts'
import { dateOfText } from '../kit/body.ts'
import { HINT_SECONDS } from '../kit/hint.ts'
import { completeFact, type FactDraft } from '../kit/verdict.ts'

/** Something that happened to a payment, as the gateway tells it now. */
export interface Happening {
  /** When, as the gateway writes it. */
  readonly at: unknown
  readonly draft: FactDraft
}

/** How far the gateway's clock and ours may be apart. */
const SLACK_SECONDS = 20

/** More than any payment has. */
const MAX_ALSO = 250

/** What of a payment must be booked, whichever hint it was that led to it; a state before them is the hint's own or over. */
const BOOKED: ReadonlySet<FactKind> = new Set([
  'captured',
  'refunded',
  'refund_failed',
  'disputed',
  'dispute_won',
  'dispute_lost',
])

/**
 * What a hint was about. The gateway tells all that has happened to the payment by now, and a hint is one fact: the newest that
 * had happened when the hint came, so that the capture's hint, asked about late, is not taken for one of the refund's.
 * Where nothing fits, the newest of all.
 *
 * That is a guess: two refunds may share a hint, and some gateways date a refund by when it was asked for and not by when it was
 * done. So all else that the answer tells of captures, refunds and disputes goes along; what is known already changes nothing.
 */
export function confirmNewest({ eventId }: EventInDoubt, happenings: readonly Happening[]): Confirmation {
  const dated = happenings
    .map(({ at, draft }) => ({ atMs: dateOfText(at)?.getTime() ?? 0, draft }))
    .sort((a, b) => a.atMs - b.atMs)
  const limitMs = hintedMs(eventId)
  const meant = dated.findLast(({ atMs }) => atMs <= limitMs) ?? dated.at(-1)
  if (meant === undefined) return { kind: 'denied', reason: 'status_unknown' }
  const { fact, hold } = completeFact(meant.draft)
  if (fact === null) return { kind: 'denied', reason: hold ?? 'object_unreadable' }
  const also = dated
    .filter((one) => one !== meant && BOOKED.has(one.draft.kind))
    .flatMap(({ draft }) => completeFact(draft).fact ?? [])
    .slice(0, MAX_ALSO)
  return also.length === 0 ? { kind: 'confirmed', fact } : { kind: 'confirmed', fact, also }
}

/** The end of the stretch that a hint's id names (see hintId), with the slack; without one there is no end. */
function hintedMs(eventId: string): number {
  const stretch = /@([1-9]\d{0,12})$/.exec(eventId)?.[1]
  if (stretch === undefined) return Number.POSITIVE_INFINITY
  return ((Number(stretch) + 1) * HINT_SECONDS + SLACK_SECONDS) * 1_000
}
