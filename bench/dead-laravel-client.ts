import type { FactKind } from '../src/payments/fact.ts'
import { buildDelivery } from '../src/webhooks/gateways/samples/samples.ts'
import { serve } from './child.ts'
import { Load, type LoadReport, type RunOrder, requestBytes, statusOf } from './load.ts'

export interface StoriesOrder {
  readonly port: number
  readonly connections: number
  readonly gateway: string
  readonly secret: string
  /** The payments are `<tag>-0`, `<tag>-1` and so on. */
  readonly tag: string
}

/** What happens to every payment, one event after the other; each writes two callbacks. */
export const STORY: readonly FactKind[] = ['failed', 'captured', 'refunded']
/** So many payments get their first event before the first of them gets its second: a key's callbacks are spread over time. */
const PAYMENTS_A_BLOCK = 250
/** Gateways sign the time, so nothing is prepared long before it is sent; this many more than the rate needs. */
const SPARE = 100

let order: StoriesOrder
let load: Load
const requests: Buffer[] = []
let sent = 0

serve({
  prepare: async (given: StoriesOrder): Promise<null> => {
    order = given
    load = await Load.open({ ...given, requests, repeat: false, isRight: (head) => statusOf(head) === 200 })
    return null
  },
  run: async (run: RunOrder & { readonly ratePerSecond: number }): Promise<LoadReport> => {
    const wanted = sent + Math.ceil(run.seconds * run.ratePerSecond) + SPARE
    while (requests.length < wanted) requests.push(buildRequest(requests.length))
    const report = await load.run(run)
    requests.fill(Buffer.alloc(0), sent, sent + report.requests)
    sent += report.requests
    return report
  },
})

function buildRequest(index: number): Buffer {
  const perBlock = PAYMENTS_A_BLOCK * STORY.length
  const within = index % perBlock
  const kind = STORY[Math.floor(within / PAYMENTS_A_BLOCK)] ?? 'captured'
  const ref = `${order.tag}-${Math.floor(index / perBlock) * PAYMENTS_A_BLOCK + (within % PAYMENTS_A_BLOCK)}`
  return requestBytes(
    buildDelivery(order.gateway, {
      eventId: `evt_${ref}_${kind}`,
      kind,
      merchantRef: ref,
      gatewayRef: `pi_${ref}`,
      operationRef: `op_${ref}_${kind}`,
      amountMinor: 15_000n,
      currency: 'EGP',
      nowMs: Date.now(),
      secret: order.secret,
    }),
  )
}
