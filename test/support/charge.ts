import { type Id, idToText } from '../../src/base/ids.ts'
import { jsonReply } from '../../src/idempotency/answer.ts'
import type { OnceResult } from '../../src/idempotency/flights.ts'
import type { OnceInPhases } from '../../src/idempotency/once-in-phases.ts'
import { FIRST_PHASE, type Operation, type Write } from '../../src/idempotency/operation.ts'
import { requestOf } from './once-requests.ts'

/**
 * Calls the provider, then books one effect at the place: `call-<number>`, so that it shows whose call was booked, or
 * `<content> by call-<number>` where the input has a content. The call itself is noted at `<place>-called`.
 */
export function chargeOperation(providerUrl: string): Operation {
  return {
    name: 'charge',
    step: async ({ id, phase, input, memo, downstreamKey, signal }) => {
      const { place, content } = input as { place: string; content?: string }
      if (phase === FIRST_PHASE) {
        const response = await fetch(providerUrl, {
          method: 'POST',
          headers: { 'idempotency-key': downstreamKey },
          signal,
        })
        if (response.status === 202) return { kind: 'later', seconds: 0 }
        if (!response.ok) throw new Error(`the provider said ${response.status}`)
        const { call } = (await response.json()) as { call: number }
        const write = insertEffect(id, `${place}-called`, `call-${call}`)
        return { kind: 'advance', phase: 'book', memo: { call }, write }
      }
      const { call } = memo as { call: number }
      return {
        kind: 'finish',
        reply: jsonReply(201, { id: idToText(id), call }),
        write: insertEffect(id, place, `${content === undefined ? '' : `${content} by `}call-${call}`),
      }
    },
  }
}

function insertEffect(claim: Id, place: string, content: string): Write {
  return async (connection) => {
    await connection.query('INSERT INTO effects (claim, place, content) VALUES (?, ?, ?)', [
      claim,
      place,
      content,
    ])
  }
}

/** Asks for one charge at the place that the key names. */
export function charge(door: OnceInPhases, key: string, content = 'a'): Promise<OnceResult> {
  return door.run({ ...requestOf(key, content), operation: 'charge', input: { place: key } })
}
