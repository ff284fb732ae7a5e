import { recordKey } from '../idempotency/key.ts'

/** The key under which a payment is found by our own reference. */
export function merchantRefKey(gateway: string, account: string, merchantRef: string): Buffer {
  return recordKey({
    kind: 'payment-ref',
    tenant: gateway,
    actor: account,
    operation: 'merchant',
    key: merchantRef,
  })
}

/** The key under which a payment is found by the gateway's reference. */
export function gatewayRefKey(gateway: string, account: string, gatewayRef: string): Buffer {
  return recordKey({
    kind: 'payment-ref',
    tenant: gateway,
    actor: account,
    operation: 'gateway',
    key: gatewayRef,
  })
}
