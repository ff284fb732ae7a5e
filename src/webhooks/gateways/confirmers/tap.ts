import type { FactKind } from '../../../payments/fact.ts'
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

/** What an authorization may have become since; it was one all the same. */
const AFTER_AUTHORIZED: ReadonlySet<unknown> = new Set(['CAPTURED', 'VOID', 'VOIDED'])

function judge(told: FactKind, answer: JsonObject): Confirmation {
  const wasAuthorized = told === 'authorized' && AFTER_AUTHORIZED.has(answer.status)
  const { fact, hold } = readTapFact(wasAuthorized ? { ...answer, status: 'AUTHORIZED' } : answer)
  if (hold !== null) return denied(hold)
  // Under way there, and told to be over: the delivery may be ahead of the API.
  if (fact === null || (fact.kind === 'pending' && told !== 'pending')) return { kind: 'waiting' }
  return { kind: 'confirmed', fact }
}

function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}
