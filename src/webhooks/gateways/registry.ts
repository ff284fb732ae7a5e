import type { GatewayAccount, GatewayAdapter } from './adapter.ts'
import { kashier } from './kashier.ts'
import { paymob } from './paymob.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'

/** Every gateway that this build understands, by the name in its URL. Names are exact: `Stripe` is unknown. */
export const adapters: ReadonlyMap<string, GatewayAdapter> = new Map(
  [stripe, kashier, paymob, standardWebhooks].map((adapter) => [adapter.name, adapter]),
)

/** What the account's own adapter says against its configuration; see GatewayAdapter. */
export function configurationProblems(account: GatewayAccount, isProduction: boolean): readonly string[] {
  return adapters.get(account.gateway)?.configurationProblems?.(account, isProduction) ?? []
}
