import { buildDelivery } from '../src/webhooks/gateways/samples/samples.ts'
import { serve } from './child.ts'
import { Load, type LoadReport, type RunOrder, requestBytes, statusOf } from './load.ts'

/** Which requests to prepare, and where they go. */
export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly gateway: string
  readonly secret: string
  readonly bodyBytes: number
  /** Requests to sign before the clock starts. The n-th is about the payment `<tag>-<n>`. */
  readonly prepare: number
  readonly tag: string
  /** Send them again from the first when they are used up (for servers that store nothing); otherwise the run ends. */
  readonly repeat: boolean
}

let load: Load | null = null

serve({
  prepare: async (order: LoadOrder): Promise<null> => {
    const requests = Array.from({ length: order.prepare }, (_, index) => buildRequest(order, index))
    load = await Load.open({ ...order, requests, isRight: (head) => statusOf(head) === 200 })
    return null
  },
  run: (order: RunOrder): Promise<LoadReport> => {
    if (load === null) throw new Error('prepare comes first')
    return load.run(order)
  },
})

/** Signed and serialised before the clock starts, so that a run measures the server. */
function buildRequest(order: LoadOrder, index: number): Buffer {
  const ref = `${order.tag}-${index}`
  return requestBytes(
    buildDelivery(order.gateway, {
      eventId: `evt_${ref}`,
      kind: 'captured',
      merchantRef: ref,
      gatewayRef: `pi_${ref}`,
      operationRef: `ch_${ref}`,
      amountMinor: 15_000n,
      currency: 'EGP',
      nowMs: Date.now(),
      secret: order.secret,
      bodyBytes: order.bodyBytes,
    }),
  )
}
