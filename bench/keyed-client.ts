import { serve } from './child.ts'
import { Load, type LoadReport, type RunOrder, statusOf } from './load.ts'

/** Requests without a key, each with a key of its own, or with keys that stand before the clock starts. */
export type KeyedVariant = 'keyless' | 'firstUse' | 'replay'

export interface KeyedLoadOrder {
  readonly port: number
  readonly connections: number
  readonly variant: KeyedVariant
  /** Requests to prepare; only those with fresh keys are never sent again. The n-th has the key `<tag>-<n>`. */
  readonly prepare: number
  readonly tag: string
}

/** Longer than any preparation takes. */
const SEEDING_SECONDS = 300

let load: Load | null = null

serve({
  prepare: prepareLoad,
  run: (order: RunOrder): Promise<LoadReport> => {
    if (load === null) throw new Error('prepare comes first')
    return load.run(order)
  },
})

/** Returns how many requests were executed already: of a replay, each once. */
async function prepareLoad(order: KeyedLoadOrder): Promise<number> {
  const { port, connections, variant } = order
  const requests = Array.from({ length: order.prepare }, (_, index) => buildRequest(order, index))
  const shape = { port, connections, requests }
  const isExecuted = (head: string) => statusOf(head) === 201 && !isReplay(head)
  if (variant !== 'replay') {
    load = await Load.open({ ...shape, repeat: variant === 'keyless', isRight: isExecuted })
    return 0
  }
  const seeding = await Load.open({ ...shape, repeat: false, isRight: isExecuted })
  const { requests: sent, errors } = await seeding.run({ seconds: SEEDING_SECONDS, ratePerSecond: null })
  if (errors > 0 || sent !== order.prepare) throw new Error(`${errors} of ${sent} keys could not be prepared`)
  const isRight = (head: string) => statusOf(head) === 201 && isReplay(head)
  load = await Load.open({ ...shape, repeat: true, isRight })
  return sent
}

function isReplay(head: string): boolean {
  return /^idempotent-replayed: true$/im.test(head)
}

/** As large as the registration of a payment. */
function buildRequest({ variant, tag }: KeyedLoadOrder, index: number): Buffer {
  const ref = `${tag}-${index}`
  const body = JSON.stringify({ gateway: 'kashier', merchantRef: ref, amountMinor: 15_000, currency: 'EGP' })
  const lines = [
    'POST /bench HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...(variant === 'keyless' ? [] : [`idempotency-key: ${ref}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
