import { randomBytes } from 'node:crypto'
import { secretFrom } from '../kit/secret-form.ts'
import { adapters } from '../registry.ts'
import { adyenSample } from './adyen.ts'
import { bkashSample } from './bkash.ts'
import { braintreeSample } from './braintree.ts'
import { cashfreeSample } from './cashfree.ts'
import { checkoutcomSample } from './checkoutcom.ts'
import { fawrySample } from './fawry.ts'
import { flutterwaveSample } from './flutterwave.ts'
import { gocardlessSample } from './gocardless.ts'
import { hyperpaySample } from './hyperpay.ts'
import { kashierSample } from './kashier.ts'
import { mercadopagoSample } from './mercadopago.ts'
import { midtransSample } from './midtrans.ts'
import { mollieSample } from './mollie.ts'
import { myfatoorahSample } from './myfatoorah.ts'
import { paymobSample } from './paymob.ts'
import { paypalSample } from './paypal.ts'
import { paystackSample } from './paystack.ts'
import { paytabsSample } from './paytabs.ts'
import { phonepeSample } from './phonepe.ts'
import { razorpaySample } from './razorpay.ts'
import type { GatewaySample, SampleSpec } from './sample.ts'
import { shopifySample } from './shopify.ts'
import { squareSample } from './square.ts'
import { sslcommerzSample } from './sslcommerz.ts'
import { standardWebhooksSample } from './standard-webhooks.ts'
import { stripeSample } from './stripe.ts'
import { tapSample } from './tap.ts'
import { xenditSample } from './xendit.ts'

/**
 * Signed deliveries as the gateways send them: for `onceline webhook send`, tests, the demo, the benchmarks and the line to
 * paste that is shown at start.
 */
export const samples: ReadonlyMap<string, GatewaySample> = new Map<string, GatewaySample>([
  ['adyen', adyenSample],
  ['bkash', bkashSample],
  ['braintree', braintreeSample],
  ['cashfree', cashfreeSample],
  ['checkoutcom', checkoutcomSample],
  ['fawry', fawrySample],
  ['flutterwave', flutterwaveSample],
  ['gocardless', gocardlessSample],
  ['hyperpay', hyperpaySample],
  ['kashier', kashierSample],
  ['mercadopago', mercadopagoSample],
  ['midtrans', midtransSample],
  ['mollie', mollieSample],
  ['myfatoorah', myfatoorahSample],
  ['paymob', paymobSample],
  ['paypal', paypalSample],
  ['paystack', paystackSample],
  ['paytabs', paytabsSample],
  ['phonepe', phonepeSample],
  ['razorpay', razorpaySample],
  ['shopify', shopifySample],
  ['square', squareSample],
  ['sslcommerz', sslcommerzSample],
  ['standard-webhooks', standardWebhooksSample],
  ['stripe', stripeSample],
  ['tap', tapSample],
  ['xendit', xenditSample],
])

/** The gateways of which there are samples. */
export const SAMPLE_GATEWAYS: readonly string[] = [...samples.keys()]

export interface SampleDelivery {
  /** Path and query: `/webhooks/paymob?hmac=…`. */
  readonly path: string
  /** The query alone, without `?`; empty for most gateways. */
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Builds one signed delivery. Throws RangeError for an unknown gateway, and what its builder throws. */
export function buildDelivery(gateway: string, spec: SampleSpec): SampleDelivery {
  const sample = samples.get(gateway)
  if (sample === undefined) throw new RangeError(`there is no sample of ${gateway}`)
  const { headers = {}, query = '', body } = sample.build(spec)
  const account = spec.account === undefined ? '' : `/${spec.account}`
  const path = `/webhooks/${gateway}${account}${query === '' ? '' : `?${query}`}`
  return { path, query, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** A fresh random secret in the form that the gateway uses; '' where it has none. */
export function newSecret(gateway: string): string {
  return secretFrom(randomBytes(32), adapters.get(gateway)?.secretForm ?? 'text')
}
