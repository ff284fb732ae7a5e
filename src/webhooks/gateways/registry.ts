import type { GatewayAdapter } from './adapter.ts'
import { kashier } from './kashier.ts'
import { paymob } from './paymob.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'

/** Every gateway that this build understands, by the name in its URL. */
export const adapters: ReadonlyMap<string, GatewayAdapter> = new Map(
  [stripe, kashier, paymob, standardWebhooks].map((adapter) => [adapter.name, adapter]),
)

/** The adapter for the `:gateway` of a URL, or null. Names are exact: `Stripe` is unknown. */
export function findAdapter(name: string): GatewayAdapter | null {
  return adapters.get(name) ?? null
}
