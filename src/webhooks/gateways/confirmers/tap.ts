import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { readTapFact, type TapObject, tapObject } from '../tap-facts.ts'

/** `GET /v2/refunds/{id}` and its like answer with the object of which a delivery tells, https://developers.tap.company/reference. */
export const tapConfirmer: Confirmer = { apiUrl: 'https://api.tap.company', ask }

const PATHS: Readonly<Record<TapObject, string>> = {
  charge: 'charges',
  authorize: 'authorize',
  refund: 'refunds',
  invoice: 'invoices',
}

/** The status may have moved on since the delivery: then what was told is not true any more, and the later one tells the rest. */
async function ask({ fact, body }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const told = parseObject(body)
  if (fact === null || told === null) return denied('event_unknown')
  const { status, body: answer } = await api.call({
    method: 'GET',
    path: `/v2/${PATHS[tapObject(told)]}/${encodeURIComponent(fact.operationRef)}`,
    headers: { authorization: `Bearer ${api.settings.API_KEY ?? ''}` },
  })
  if (status !== 200 || answer === null) return denied('object_unknown')
  if (answer.id !== fact.operationRef || tapObject(answer) !== tapObject(told))
    return denied('object_differs')
  return judge(fact.kind, answer)
}

function judge(told: string, answer: JsonObject): Confirmation {
  const { fact, hold } = readTapFact(answer)
  if (hold !== null) return denied(hold)
  // Under way there, and told to be over: the delivery may be ahead of the API.
  if (fact === null || (fact.kind === 'pending' && told !== 'pending')) return { kind: 'waiting' }
  return { kind: 'confirmed', fact }
}

function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}
