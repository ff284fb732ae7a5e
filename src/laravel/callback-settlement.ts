import { isUnavailable } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import { idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Push } from '../feed/envelope.ts'
import type { ClaimedMessage, Settlement } from '../outbox/message.ts'
import { type Settled, settleMessage } from '../outbox/settlement-store.ts'
import { type AnsweredDetails, readAnswer } from './callback-answer.ts'
import type { CallbackAnswer } from './callback-request.ts'
import { type ToldAcceptance, tellDriverDetails } from './driver-details.ts'

/**
 * What became of an answer's content. told: the rider has it in his feed. too_late: the trip is not this driver's any more, or it is
 * over. ignored: it is not what it may be. failed: it could not be written, and the callback is done without it.
 */
export type AnswerOutcome = 'told' | 'too_late' | 'ignored' | 'failed'

export interface CallbackSettlerOptions {
  readonly pool: Pool
  readonly log: Log
  /** Tells users what is in their feeds by now. Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  readonly onAnswer: (outcome: AnswerOutcome) => void
}

/** The one callback whose answer says something. */
const ANSWERED_EVENT = 'ride.accepted'

/** Writes what became of callbacks, and what the answers say, together. */
export class CallbackSettler {
  readonly #options: CallbackSettlerOptions

  constructor(options: CallbackSettlerOptions) {
    this.#options = options
  }

  /** As settleMessage(); whatever the answer holds, a callback that Laravel took is done. Throws what the database throws. */
  async settle(message: ClaimedMessage, settlement: Settlement, answer: CallbackAnswer): Promise<Settled> {
    const details = this.#detailsIn(message, answer)
    if (details === null) return settleMessage(this.#options.pool, message, settlement)
    try {
      return await this.#settleTelling(message, settlement, details)
    } catch (error) {
      const { code, errno } = Object(error) as { code?: unknown; errno?: unknown }
      // The error's own words may quote the content.
      if (isUnavailable(error))
        throw Object.assign(new Error('the database is away or busy'), { code, errno })
      const words = { callbackId: idToText(message.id), code, errno }
      this.#options.log.error(
        words,
        "what Laravel's answer says could not be told; the callback is done without it",
      )
      this.#options.onAnswer('failed')
      return settleMessage(this.#options.pool, message, settlement)
    }
  }

  #detailsIn(message: ClaimedMessage, answer: CallbackAnswer): AnsweredDetails | null {
    if (message.event !== ANSWERED_EVENT || answer.kind !== 'answered') return null
    if (answer.status < 200 || answer.status >= 300) return null
    const read = readAnswer(answer.body)
    if (read.kind === 'ignored') this.#options.onAnswer('ignored')
    return read.kind === 'details' ? read.details : null
  }

  async #settleTelling(
    message: ClaimedMessage,
    settlement: Settlement,
    details: AnsweredDetails,
  ): Promise<Settled> {
    const { pool, publish, onAnswer } = this.#options
    const acceptance: ToldAcceptance = JSON.parse(message.payload)
    let pushes: readonly Push[] = []
    const settled = await settleMessage(pool, message, settlement, async (connection, settle) => {
      const told = await tellDriverDetails(connection, acceptance, details, settle)
      pushes = told.pushes
      return told.settled
    })
    if (settled.isOurs) onAnswer(pushes.length > 0 ? 'told' : 'too_late')
    // It is committed: who compares numbers finds what is missed here.
    if (pushes.length > 0) await publish(pushes)
    return settled
  }
}
