import type { GatewayAccount, GatewayAdapter } from './adapter.ts'
import { adyen } from './adyen.ts'
import { bkash } from './bkash.ts'
import { braintree } from './braintree.ts'
import { cashfree } from './cashfree.ts'
import { checkoutcom } from './checkoutcom.ts'
import { fawry } from './fawry.ts'
import { flutterwave } from './flutterwave.ts'
import { gocardless } from './gocardless.ts'
import { hyperpay } from './hyperpay.ts'
import { kashier } from './kashier.ts'
import { mercadopago } from './mercadopago.ts'
import { midtrans } from './midtrans.ts'
import { mollie } from './mollie.ts'
import { myfatoorah } from './myfatoorah.ts'
import { paymob } from './paymob.ts'
import { paypal } from './paypal.ts'
import { paystack } from './paystack.ts'
import { paytabs } from './paytabs.ts'
import { phonepe } from './phonepe.ts'
import { razorpay } from './razorpay.ts'
import { accountProblems } from './settings.ts'
import { shopify } from './shopify.ts'
import { square } from './square.ts'
import { sslcommerz } from './sslcommerz.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'
import { tap } from './tap.ts'
import { xendit } from './xendit.ts'

/** Every gateway that this build understands, by the name in its URL. Names are exact: `Stripe` is unknown. */
export const adapters: ReadonlyMap<string, GatewayAdapter> = new Map(
  [
    adyen,
    bkash,
    braintree,
    cashfree,
    checkoutcom,
    fawry,
    flutterwave,
    gocardless,
    hyperpay,
    kashier,
    mercadopago,
    midtrans,
    mollie,
    myfatoorah,
    paymob,
    paypal,
    paystack,
    paytabs,
    phonepe,
    razorpay,
    shopify,
    square,
    sslcommerz,
    standardWebhooks,
    stripe,
    tap,
    xendit,
  ].map((adapter) => [adapter.name, adapter]),
)

/** Gateways whose accounts may do without secrets. */
export const secretsOptional: ReadonlySet<string> = new Set(
  [...adapters.values()].filter((adapter) => adapter.secretsOptional === true).map(({ name }) => name),
)

/** What is wrong with an account's configuration; sentences as GatewayAdapter.configurationProblems gives them. */
export function configurationProblems(account: GatewayAccount, isProduction: boolean): readonly string[] {
  const adapter = adapters.get(account.gateway)
  return adapter === undefined ? [] : accountProblems(adapter, account, isProduction)
}
