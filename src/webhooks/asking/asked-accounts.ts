import type { Clock } from '../../base/clock.ts'
import type { GatewayAccount, GatewayAdapter } from '../gateways/adapter.ts'
import type { Confirmer } from '../gateways/confirm.ts'
import type { EventLister } from '../gateways/event-lister.ts'
import type { AccountBook } from '../ingest.ts'
import { AccountApi } from './gateway-api.ts'

/** An account whose gateway can be asked. */
export interface AskedAccount<Way> {
  readonly account: GatewayAccount
  readonly adapter: GatewayAdapter
  readonly way: Way
  readonly api: AccountApi
}

/** The accounts whose events can be confirmed: their gateway has a way, and they have the credentials for it. By `gateway/account`. */
export function confirmableAccounts(
  adapters: ReadonlyMap<string, GatewayAdapter>,
  accounts: AccountBook,
  clock: Clock,
): ReadonlyMap<string, AskedAccount<Confirmer>> {
  return askedAccounts(adapters, accounts, clock, (adapter) => adapter.confirm)
}

/** The same for accounts whose gateway lists its events. */
export function listedAccounts(
  adapters: ReadonlyMap<string, GatewayAdapter>,
  accounts: AccountBook,
  clock: Clock,
): ReadonlyMap<string, AskedAccount<EventLister>> {
  return askedAccounts(adapters, accounts, clock, (adapter) => adapter.lister)
}

function askedAccounts<Way extends { readonly apiUrl: string }>(
  adapters: ReadonlyMap<string, GatewayAdapter>,
  accounts: AccountBook,
  clock: Clock,
  wayOf: (adapter: GatewayAdapter) => Way | undefined,
): ReadonlyMap<string, AskedAccount<Way>> {
  const asked = new Map<string, AskedAccount<Way>>()
  for (const account of [...accounts.values()].flatMap((byName) => [...byName.values()])) {
    const adapter = adapters.get(account.gateway)
    const way = adapter && wayOf(adapter)
    if (!adapter || !way || !hasCredentials(adapter, account)) continue
    asked.set(nameOf(account), { account, adapter, way, api: new AccountApi(account, way.apiUrl, clock) })
  }
  return asked
}

export function nameOf({ gateway, account }: { readonly gateway: string; readonly account: string }): string {
  return `${gateway}/${account}`
}

function hasCredentials({ settings = [] }: GatewayAdapter, account: GatewayAccount): boolean {
  return settings.every(({ name, needed }) => needed !== 'confirm' || Boolean(account.settings[name]?.trim()))
}
