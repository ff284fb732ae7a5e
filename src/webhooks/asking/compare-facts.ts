import type { EventFact } from '../../payments/fact.ts'

const COMPARED = ['kind', 'merchantRef', 'gatewayRef', 'operationRef', 'amountMinor', 'currency'] as const

/**
 * Where the gateway's own word differs from what a delivery said: the names of the fields. A field that one of the two does not
 * state does not differ; of a payment's two references one is enough.
 */
export function differences(said: EventFact, confirmed: EventFact): readonly string[] {
  return COMPARED.filter((name) => {
    const [a, b] = [said[name], confirmed[name]]
    return a !== null && b !== null && a !== b
  })
}
