import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { balancesOf, CREATED, fact } from '../../test/support/payment-samples.ts'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { FACT_KINDS, type PaymentFact } from './fact.ts'
import type { LedgerAccount, Posting } from './ledger.ts'
import {
  applyFact,
  type Decision,
  type Operation,
  PAYMENT_STATES,
  type Payment,
  type PaymentState,
} from './state.ts'

const BEFORE_CAPTURE: readonly PaymentState[] = [
  'created',
  'pending',
  'authorized',
  'failed',
  'cancelled',
  'expired',
]

interface Told {
  readonly fact: PaymentFact
  readonly amountApproved: boolean
}

interface Step extends Told {
  readonly before: Payment
  readonly decision: Decision
  readonly after: Payment
}

/** Few references and amounts, so that facts meet; captures of the right amount often, so that there is an afterwards. */
const anyFact: fc.Arbitrary<PaymentFact> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(fact('captured', 'op-1', 1000n)) },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constantFrom(...FACT_KINDS),
      merchantRef: fc.constant('trip-1'),
      gatewayRef: fc.constant(null),
      operationRef: fc.constantFrom('op-1', 'op-2', 'op-3'),
      amountMinor: fc.constantFrom(...often(400n, 300n, 300n, null), 1000n, 1001n, 0n, -300n),
      currency: fc.constantFrom(...often('EGP', 'EGP', 'EGP', 'EGP'), 'USD', null),
    }),
  },
)

function often<Value>(...values: Value[]): Value[] {
  return [...values, ...values, ...values]
}

function anyHistory(approvals: fc.Arbitrary<boolean>): fc.Arbitrary<Told[]> {
  return fc.array(fc.record({ fact: anyFact, amountApproved: approvals }), { maxLength: 25, size: 'max' })
}

const anyApproval = fc.constantFrom(true, false, false, false)

/** Applies one fact after the other. The payments are frozen: a decision that changed one would throw. */
function walk(history: readonly Told[]): Step[] {
  let payment = CREATED
  return history.map((told) => {
    const before = payment
    Object.freeze(before)
    Object.freeze(before.operations)
    const decision = applyFact(before, told.fact, told)
    if (decision.kind === 'applied') payment = decision.payment
    return { ...told, before, decision, after: payment }
  })
}

function postingsOf(steps: readonly Step[]): Posting[] {
  return steps.flatMap(({ decision }) => (decision.kind === 'applied' ? decision.postings : []))
}

/** How the step moved a refund or dispute; empty where it moved none. */
function operationMove({ before, decision }: Step): string[] {
  const moved = decision.kind === 'applied' ? decision.operation : null
  if (moved === null) return []
  const was = before.operations.find(({ kind, ref }) => kind === moved.kind && ref === moved.ref)
  return [`${was?.state ?? 'new'} → ${moved.state}`]
}

function sumOf(
  operations: readonly Operation[],
  kind: Operation['kind'],
  states: readonly Operation['state'][],
): bigint {
  return operations
    .filter((operation) => operation.kind === kind && states.includes(operation.state))
    .reduce((total, { amountMinor }) => total + amountMinor, 0n)
}

/** What each account must hold, told by the payment alone. */
function expectedBalances({ capturedMinor, operations }: Payment): Record<LedgerAccount, bigint> {
  const refunds = sumOf(operations, 'refund', ['succeeded'])
  const held = sumOf(operations, 'dispute', ['open'])
  const lost = sumOf(operations, 'dispute', ['lost'])
  return {
    gateway_receivable: capturedMinor - refunds - held - lost,
    rider_payments: -capturedMinor,
    refunds,
    disputes_held: held,
    chargebacks: lost,
  }
}

/** Calls the check with every step of many histories. */
function forEveryStep(
  check: (step: Step, stepsUntilHere: readonly Step[]) => void,
  approvals = anyApproval,
): void {
  const property = fc.property(anyHistory(approvals), (history) => {
    const steps = walk(history)
    steps.forEach((step, index) => {
      check(step, steps.slice(0, index + 1))
    })
  })
  fc.assert(property, propertyRuns(2_000))
}

describe('whatever a gateway says, in whatever order', () => {
  it('the samples reach every state and every kind of decision', () => {
    const steps = fc.sample(anyHistory(anyApproval), { numRuns: 2_000, seed: 7 }).flatMap(walk)
    expect(new Set(steps.map(({ after }) => after.state))).toEqual(new Set(PAYMENT_STATES))
    const reasons = steps.map(({ decision }) => (decision.kind === 'applied' ? 'applied' : decision.reason))
    expect([...new Set(reasons)].sort()).toEqual([
      'amount_invalid',
      'amount_mismatch',
      'amount_missing',
      'applied',
      'awaiting_capture',
      'capture_cancelled',
      'currency_mismatch',
      'currency_missing',
      'dispute_contradiction',
      'dispute_exceeds_capture',
      'duplicate_capture',
      'late',
      'refund_exceeds_capture',
      'repeated',
    ])
    expect(new Set(steps.flatMap(operationMove))).toEqual(
      new Set([
        ...['new → succeeded', 'new → failed', 'succeeded → failed'],
        ...['new → open', 'new → won', 'new → lost', 'open → won', 'open → lost', 'lost → won'],
      ]),
    )
  })

  it('every decision balances, and the accounts say the same as the payment', () => {
    forEveryStep(({ decision, after }, steps) => {
      if (decision.kind !== 'applied') return
      expect(decision.postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)).toBe(0n)
      const balances = balancesOf(postingsOf(steps))
      for (const [account, amountMinor] of Object.entries(expectedBalances(after))) {
        expect([account, balances.get(account as LedgerAccount) ?? 0n]).toEqual([account, amountMinor])
      }
    })
  })

  it('an applied decision tells where it came from and bears its operation', () => {
    forEveryStep(({ decision, before, after, fact }) => {
      if (decision.kind !== 'applied') return
      expect([decision.from, decision.to]).toEqual([before.state, after.state])
      const isOperation = /refund|dispute/.test(fact.kind)
      expect(decision.operation !== null).toBe(isOperation)
      if (decision.operation) expect(after.operations).toContainEqual(decision.operation)
    })
  })

  it('the money is captured once and never uncaptured', () => {
    forEveryStep(({ before, after }) => {
      expect(after.capturedMinor > 0n).toBe(!BEFORE_CAPTURE.includes(after.state))
      expect(after.captureRef !== null).toBe(after.capturedMinor > 0n)
      if (before.captureRef === null) return expect(after.operations).toEqual([])
      expect([after.capturedMinor, after.captureRef]).toEqual([before.capturedMinor, before.captureRef])
      expect(after.operations.length).toBeGreaterThanOrEqual(before.operations.length)
    })
  })

  it('refunds never exceed the capture, nor does any dispute', () => {
    forEveryStep(({ after }) => {
      expect(sumOf(after.operations, 'refund', ['succeeded']) <= after.capturedMinor).toBe(true)
      for (const { amountMinor } of after.operations) expect(amountMinor >= 0n).toBe(true)
      for (const { kind, amountMinor } of after.operations) {
        if (kind === 'dispute') expect(amountMinor <= after.capturedMinor).toBe(true)
      }
    })
  })

  it('a fact told again at once has no effect, and says so the same way if it had none', () => {
    forEveryStep(({ decision, after, fact, amountApproved }) => {
      const again = applyFact(after, fact, { amountApproved })
      expect(again).toEqual(
        decision.kind === 'applied' ? { kind: 'no_effect', reason: 'repeated' } : decision,
      )
    })
  })

  it('no operation goes back, and none changes its amount', () => {
    const rank = { open: 0, succeeded: 0, lost: 1, failed: 1, won: 2 }
    forEveryStep(({ before, after }) => {
      for (const was of before.operations) {
        const is = after.operations.find(({ kind, ref }) => kind === was.kind && ref === was.ref)
        expect(is?.amountMinor).toBe(was.amountMinor)
        expect(is && rank[is.state]).toBeGreaterThanOrEqual(rank[was.state])
      }
    })
  })

  it('another amount than the expected is never set aside or captured, unless a person approved it', () => {
    const never = fc.constant(false)
    forEveryStep(({ decision, after, fact }) => {
      expect([0n, after.expectedMinor]).toContain(after.capturedMinor)
      if (decision.kind !== 'applied' || !['authorized', 'captured'].includes(fact.kind)) return
      expect([after.expectedMinor, null]).toContain(fact.amountMinor)
    }, never)
  })

  it('another currency never applies, approved or not', () => {
    forEveryStep(({ decision, fact }) => {
      if (decision.kind === 'applied') expect(fact.currency).not.toBe('USD')
    })
  })
})
