import type { EventOutcome, EventState } from './event.ts'

/** replay: again, as it is. release: again, with a person's word for it. discard: never. */
export type OperationVerb = 'replay' | 'release' | 'discard'

/** Why an event must be left as it is. */
export const REFUSALS = {
  applied: 'it moved its payment already, and must never do so twice',
  finished: 'it is processed; there is nothing left to decide',
  at_work: 'it is at work already',
  paused: 'its gateway is paused; resume the gateway instead',
  discarded: 'a person discarded it, for good',
  nothing_to_book:
    'what it says of a payment could not be read or trusted, so a release would book nothing; settle it by hand and discard it',
  conflict: 'it contradicts an earlier event of the same id; only a release with a reason can let it through',
} as const
export type Refusal = keyof typeof REFUSALS

export interface JudgedEvent {
  readonly state: EventState
  readonly outcome: EventOutcome | null
  /** It came under the id of an earlier event, with other money. */
  readonly isConflict: boolean
  readonly approved: boolean
  /** Its adapter read a fact about a payment from it. */
  readonly hasFact: boolean
}

/** Whether a person may do this to the event; null: yes. Pure. */
export function refusalOf(verb: OperationVerb, event: JudgedEvent): Refusal | null {
  switch (event.state) {
    case 'discarded':
      return 'discarded'
    case 'received':
      return verb === 'discard' ? null : 'at_work'
    case 'paused':
      return verb === 'discard' ? null : 'paused'
    case 'processed':
      if (event.outcome === 'applied') return 'applied'
      return verb === 'replay' ? refusalOfReplay(event) : 'finished'
    case 'quarantined':
    case 'parked':
    case 'unconfirmed':
    case 'dead':
      if (verb === 'replay') return refusalOfReplay(event)
      return verb === 'release' && !event.hasFact ? 'nothing_to_book' : null
    default:
      return event.state satisfies never
  }
}

/** Processing looks at the payment only, so a conflict let through without a word could pass for the first event. */
function refusalOfReplay({ isConflict, approved }: JudgedEvent): Refusal | null {
  return isConflict && !approved ? 'conflict' : null
}
