import { type Id, idFromText } from '../base/ids.ts'
import { gatewayRefKey, merchantRefKey } from '../payments/refs.ts'
import { findPaymentIds, type PaymentRow, readPayment } from '../payments/store.ts'
import type { AccountName } from '../webhooks/gateway-pause.ts'
import { DEFAULT_ACCOUNT } from '../webhooks/gateways/adapter.ts'
import { type CliContext, knownAccounts } from './context.ts'
import { notFound, usageError } from './failure.ts'

export interface PaymentName {
  /** A payment's id, our reference, or the gateway's. */
  readonly text: string
  readonly gateway?: string | undefined
  readonly account?: string | undefined
}

/**
 * Finds the one payment that a person means: by its id, or by a reference in the named account, or in all configured
 * ones. Throws a usage error when several have that reference, and a not-found error when none has.
 */
export async function findPayment(context: CliContext, name: PaymentName): Promise<PaymentRow> {
  const id = idFromText(name.text)
  const byId = id === null ? null : await readPayment(context.pool, id)
  if (byId !== null) return byId
  const accounts = accountsOf(context, name)
  const keys = accounts.flatMap(({ gateway, account }) => [
    merchantRefKey(gateway, account, name.text),
    gatewayRefKey(gateway, account, name.text),
  ])
  const found = distinct([...(await findPaymentIds(context.pool, keys)).values()])
  const [only, ...others] = found
  const where = accounts.map(({ gateway, account }) => `${gateway}/${account}`).join(', ')
  if (only === undefined)
    throw notFound(`there is no payment ${name.text} (looked in ${where || 'no account'})`)
  if (others.length > 0) {
    throw usageError(
      `${found.length} payments have the reference ${name.text}; name --gateway and --account, or the id`,
    )
  }
  const payment = await readPayment(context.pool, only)
  if (payment === null) throw notFound(`there is no payment ${name.text}`)
  return payment
}

/** A named gateway need not be configured any more: its payments are still here. */
function accountsOf({ config }: CliContext, { gateway, account }: PaymentName): readonly AccountName[] {
  if (gateway !== undefined) return [{ gateway, account: account ?? DEFAULT_ACCOUNT }]
  return knownAccounts(config).filter((one) => account === undefined || one.account === account)
}

function distinct(ids: readonly Id[]): Id[] {
  return [...new Map(ids.map((id) => [id.toString('hex'), id])).values()]
}
