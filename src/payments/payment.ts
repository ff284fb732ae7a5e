export const PAYMENT_STATES = [
  'created',
  'pending',
  'authorized',
  'captured',
  'partially_refunded',
  'refunded',
  'disputed',
  'dispute_won',
  'dispute_lost',
  'failed',
  'cancelled',
  'expired',
] as const

export type PaymentState = (typeof PAYMENT_STATES)[number]

/** A refund, known by the gateway's id. The amount is 0 where a failure was told without one. */
export interface Refund {
  readonly kind: 'refund'
  readonly ref: string
  readonly state: 'succeeded' | 'failed'
  readonly amountMinor: bigint
}

/** A dispute, known by the gateway's id. The amount is 0 where a win was told without one. */
export interface Dispute {
  readonly kind: 'dispute'
  readonly ref: string
  readonly state: 'open' | 'won' | 'lost'
  readonly amountMinor: bigint
}

export type Operation = Refund | Dispute

/** A payment as decisions see it, amounts in minor units of `currency`. Before the capture there are no operations. */
export interface Payment {
  readonly state: PaymentState
  readonly expectedMinor: bigint
  readonly currency: string
  /** What the gateway took: 0 before the capture, and never changed after it. */
  readonly capturedMinor: bigint
  /** The gateway's id of the capture; null before it. */
  readonly captureRef: string | null
  readonly operations: readonly Operation[]
}

const BEFORE_CAPTURE: ReadonlySet<PaymentState> = new Set([
  'created',
  'pending',
  'authorized',
  'failed',
  'cancelled',
  'expired',
] satisfies PaymentState[])

/** Whether the gateway took the money, whatever became of it since. */
export function isCaptured(state: PaymentState): boolean {
  return !BEFORE_CAPTURE.has(state)
}

/** The state that follows from what was done with captured money; what threatens or took most of it comes first. */
export function stateAfterCapture(capturedMinor: bigint, operations: readonly Operation[]): PaymentState {
  const hasDispute = (state: Dispute['state']) =>
    operations.some((operation) => operation.kind === 'dispute' && operation.state === state)
  if (hasDispute('open')) return 'disputed'
  if (hasDispute('lost')) return 'dispute_lost'
  const refunded = refundedMinor(operations)
  if (refunded === capturedMinor) return 'refunded'
  if (refunded > 0n) return 'partially_refunded'
  return hasDispute('won') ? 'dispute_won' : 'captured'
}

/** The sum of the refunds that stand, in minor units. */
export function refundedMinor(operations: readonly Operation[]): bigint {
  return operations
    .filter((operation) => operation.kind === 'refund' && operation.state === 'succeeded')
    .reduce((total, { amountMinor }) => total + amountMinor, 0n)
}

/** The operations with this one in the place of its former self, or at the end when it is new. */
export function withOperation(operations: readonly Operation[], changed: Operation): readonly Operation[] {
  const isSame = ({ kind, ref }: Operation) => kind === changed.kind && ref === changed.ref
  if (!operations.some(isSame)) return [...operations, changed]
  return operations.map((operation) => (isSame(operation) ? changed : operation))
}
