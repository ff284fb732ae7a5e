import { AddressRanges } from '../base/addresses.ts'
import type { GatewayAccount } from './gateways/adapter.ts'
import { listOf } from './gateways/settings.ts'

/** Accounts live as long as the process. */
const rangesByAccount = new WeakMap<GatewayAccount, AddressRanges>()

/** The addresses that may send for the account (ALLOWED_CIDRS); null: all. */
export function allowedAddresses(account: GatewayAccount): AddressRanges | null {
  const list = listOf(account.settings.ALLOWED_CIDRS)
  if (list.length === 0) return null
  const ranges = rangesByAccount.get(account) ?? new AddressRanges(list)
  rangesByAccount.set(account, ranges)
  return ranges
}
