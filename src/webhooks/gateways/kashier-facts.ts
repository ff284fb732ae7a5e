import type { FactKind } from '../../payments/fact.ts'

/** What Kashier does to a payment; its API has the same words as its webhooks. */
const OPERATIONS = ['pay', 'refund', 'authorize', 'capture', 'void'] as const
export type Operation = (typeof OPERATIONS)[number]

/** null: another one. */
export function operationOf(value: unknown): Operation | null {
  return OPERATIONS.find((operation) => operation === value) ?? null
}

/** What the signed status means for each kind of event. `pay` comes for failures too, so the status decides. */
export function factKind(type: Operation, status: string): FactKind | null {
  switch (status) {
    case 'SUCCESS':
      return SUCCEEDED[type]
    case 'FAILURE':
    case 'FAILED':
      return FAILED[type]
    case 'PENDING':
      return type === 'pay' ? 'pending' : null
    case 'EXPIRED':
      return type === 'pay' ? 'expired' : null
    case 'CANCELLED':
    case 'CANCELED':
      return type === 'pay' ? 'cancelled' : null
    default:
      return null
  }
}

const SUCCEEDED: Readonly<Record<Operation, FactKind>> = {
  pay: 'captured',
  refund: 'refunded',
  authorize: 'authorized',
  capture: 'captured',
  void: 'cancelled',
}

/** A capture or a void that failed leaves the payment where it was. */
const FAILED: Readonly<Record<Operation, FactKind | null>> = {
  pay: 'failed',
  refund: 'refund_failed',
  authorize: 'failed',
  capture: null,
  void: null,
}
