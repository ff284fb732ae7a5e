import type { PayoutFact } from '../../../payments/payout.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { readTransaction } from '../flutterwave-facts.ts'
import { identifierText, isObject, parseObject } from '../kit/body.ts'
import { readFlutterwaveTransfer } from '../payouts/flutterwave.ts'
import { confirmedAs } from './answer.ts'

/** Transactions of v3 have numbers. */
const TRANSACTION_ID = /^\d{1,20}$/

/** Asks v3 about a transaction, https://developer.flutterwave.com/v3.0/reference/verify-transaction. */
export const flutterwaveConfirmer: Confirmer = { apiUrl: 'https://api.flutterwave.com', ask }

async function ask({ body, fact, payout }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  if (payout) return askForTransfer(payout, api)
  const data = parseObject(body)?.data
  const id = isObject(data) ? identifierText(data.id) : null
  if (id === null || !TRANSACTION_ID.test(id)) return denied('transaction_unknown')
  const answer = await api.call({
    method: 'GET',
    path: `/v3/transactions/${id}/verify`,
    headers: { authorization: `Bearer ${api.settings.SECRET_KEY ?? ''}` },
  })
  const transaction = answer.status === 200 ? answer.body?.data : null
  if (!isObject(transaction) || identifierText(transaction.id) !== id) return denied('transaction_unknown')
  const reading = readTransaction(transaction)
  if (reading.fact === null) return denied(reading.hold ?? 'object_unreadable')
  // A transaction that was pending then may be more by now, which another delivery tells.
  if (fact?.kind === 'pending') return { kind: 'confirmed', fact: { ...reading.fact, kind: 'pending' } }
  // The webhook may be faster than what the API reads.
  return reading.fact.kind === 'pending' ? { kind: 'waiting' } : { kind: 'confirmed', fact: reading.fact }
}

/** https://developer.flutterwave.com/v3.0/reference/fetch-a-transfer */
async function askForTransfer(payout: PayoutFact, api: GatewayApi): Promise<Confirmation> {
  const id = payout.operationRef
  if (!TRANSACTION_ID.test(id)) return denied('transfer_unknown')
  const { status, body } = await api.call({
    method: 'GET',
    path: `/v3/transfers/${id}`,
    headers: { authorization: `Bearer ${api.settings.SECRET_KEY ?? ''}` },
  })
  const transfer = status === 200 ? body?.data : null
  if (!isObject(transfer) || identifierText(transfer.id) !== id) return denied('transfer_unknown')
  return confirmedAs(payout, readFlutterwaveTransfer('transfer', transfer))
}

function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}
