import type { ExpectedPayment } from '../../src/payments/register.ts'
import { parseForm } from '../../src/webhooks/gateways/kit/form.ts'

/** What is stored of an event, as far as it says which payment is meant. */
export interface MeantBy {
  readonly gateway: string
  readonly account: string
  readonly merchant_ref: string | null
  readonly gateway_ref: string | null
  readonly amount_minor: string | number | bigint | null
  readonly currency: string | null
}

const MAX_PAYMENTS = 12
/** Names under which bodies speak of a payment: `order_id`, `merchantRefNumber`, `InvoiceId`, `tran_id`. */
const REFERENCE = /(?:id|ref|reference|refnumber|order|number)$/i

/**
 * Every payment of which a body may speak, signed or not, with the amount that it would like: first the one that the event
 * names, then one for each other value that looks like a reference.
 */
export function wishedFor(body: string, event: MeantBy): readonly ExpectedPayment[] {
  const leaves = leavesOf(contentOf(body))
  const named = event.merchant_ref ?? event.gateway_ref
  const others = leaves.filter(([name]) => REFERENCE.test(name)).map(([, value]) => value)
  const refs = [...new Set([...(named === null ? [] : [named]), ...others])].filter(
    (ref, index) => index === 0 || ref !== event.gateway_ref,
  )
  const base = {
    gateway: event.gateway,
    account: event.account,
    amountMinor: BigInt(event.amount_minor ?? amountIn(leaves)),
    currency: event.currency ?? 'EGP',
    tripId: null,
    customerId: null,
    driverId: null,
  }
  return refs.slice(0, MAX_PAYMENTS).map((ref) => ({
    ...base,
    merchantRef: ref,
    gatewayRef: ref === named ? event.gateway_ref : null,
  }))
}

type Leaf = readonly [name: string, value: string]

function contentOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return Object.fromEntries(parseForm(Buffer.from(body)) ?? [])
  }
}

function leavesOf(value: unknown, name = ''): readonly Leaf[] {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value)
    return text !== '' && Buffer.byteLength(text) <= 255 ? [[name, text]] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => leavesOf(member, Array.isArray(value) ? name : key))
}

/** A body that could not be read as money may still name an amount: in minor units, or with a point. */
function amountIn(leaves: readonly Leaf[]): bigint {
  const text = leaves.find(([name, value]) => /amount/i.test(name) && /^\d+(?:\.\d{1,2})?$/.test(value))?.[1]
  if (text === undefined) return 1n
  const [whole = '0', fraction] = text.split('.')
  const minor = fraction === undefined ? BigInt(whole) : BigInt(whole + fraction.padEnd(2, '0'))
  return minor === 0n ? 1n : minor
}
