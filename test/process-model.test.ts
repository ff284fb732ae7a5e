import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import type { FactKind, PaymentFact } from '../src/payments/fact.ts'
import type { Payment } from '../src/payments/state.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import { expectBooksAgree, fateOf, ledgerOf, paymentRow } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, Processing } from './support/processing.ts'
import { type ModelEvent, ProcessingModel } from './support/processing-model.ts'
import { propertyRuns } from './support/property-runs.ts'

let database: TestDatabase
let here: Processing

beforeAll(async () => {
  database = await testDatabase('process-model')
  here = new Processing(database)
})
afterAll(async () => {
  await here?.close()
  await database?.drop()
})

interface Told {
  readonly payment: number
  readonly kind: FactKind
  readonly operation: 1 | 2
  readonly amountMinor: bigint
  readonly currency: string
  readonly by: 'merchant' | 'gateway' | 'both'
}

type Action =
  | { readonly kind: 'register'; readonly payment: number }
  | { readonly kind: 'deliver'; readonly told: readonly Told[] }
  /** The deliveries so far come once more, under their own event ids. */
  | { readonly kind: 'repeat' }

const EXPECTED_MINOR = 1_000n
const anyPayment = fc.constantFrom(0, 1)

const anyTold: fc.Arbitrary<Told> = fc.record({
  payment: anyPayment,
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constant<FactKind>('captured') },
    { weight: 3, arbitrary: fc.constantFrom<FactKind[]>('refunded', 'refund_failed') },
    { weight: 2, arbitrary: fc.constantFrom<FactKind[]>('disputed', 'dispute_won', 'dispute_lost') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<FactKind[]>('pending', 'authorized', 'failed', 'cancelled', 'expired'),
    },
  ),
  operation: fc.constantFrom(1, 2),
  amountMinor: fc.oneof(
    { weight: 5, arbitrary: fc.constant(EXPECTED_MINOR) },
    { weight: 3, arbitrary: fc.constantFrom(400n, 600n, 250n) },
  ),
  currency: fc.oneof(
    { weight: 15, arbitrary: fc.constant('EGP') },
    { weight: 1, arbitrary: fc.constant('USD') },
  ),
  by: fc.constantFrom('merchant', 'gateway', 'both'),
})

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('deliver' as const),
      told: fc.array(anyTold, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('register' as const), payment: anyPayment }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'repeat' as const }) },
)

it('random facts in random order, told twice and too early, come to what the pure model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyAction, { minLength: 3, maxLength: 9 }), async (actions) => {
      const model = new ProcessingModel()
      const run = randomUUID()
      const events: { readonly real: NewEvent; readonly told: ModelEvent }[] = []
      for (const action of [
        ...actions,
        ...[0, 1].map((payment) => ({ kind: 'register', payment }) as const),
      ]) {
        if (action.kind === 'register') {
          await here.register(
            expected({ merchantRef: `${run}-${action.payment}`, amountMinor: EXPECTED_MINOR }),
          )
          await here.drain()
          model.register(action.payment, CREATED)
        } else if (action.kind === 'deliver') {
          const delivered = action.told.map((told) => delivery(run, told))
          events.push(...delivered)
          await here.take(...delivered.map(({ real }) => real))
          model.deliver(delivered.map(({ told }) => told))
        } else if (events.length > 0) await here.take(...events.map(({ real }) => repeated(real)))
      }
      for (const { real, told } of events)
        expect(await fateOf(database.pool, real)).toBe(model.fates.get(told))
      for (const index of [0, 1]) await expectAlike(`${run}-${index}`, model.payments.get(index))
    }),
    propertyRuns(60),
  )
  await expectBooksAgree(database.pool)
})

const CREATED: Payment = {
  state: 'created',
  expectedMinor: EXPECTED_MINOR,
  currency: 'EGP',
  capturedMinor: 0n,
  captureRef: null,
  operations: [],
}

function delivery(run: string, told: Told): { real: NewEvent; told: ModelEvent } {
  // What is cancelled may be the very capture.
  const operation = told.kind === 'cancelled' ? 'captured' : told.kind
  const real = eventOf({
    kind: told.kind,
    merchantRef: told.by === 'gateway' ? null : `${run}-${told.payment}`,
    gatewayRef: told.by === 'merchant' ? null : `g-${run}-${told.payment}`,
    operationRef: `${operation.slice(0, 6)}-${told.operation}`,
    amountMinor: told.amountMinor,
    currency: told.currency,
  })
  return {
    real,
    told: {
      payment: told.payment,
      fact: (real.fact as PaymentFact | null) ?? expect.fail('a fact was given'),
    },
  }
}

/** The same event in a delivery of its own. */
function repeated(event: NewEvent): NewEvent {
  return { ...event, id: eventOf().id }
}

async function expectAlike(
  merchantRef: string,
  modelled: { payment: Payment; gatewayRef: string | null; version: number; ledger: string[] } | undefined,
): Promise<void> {
  if (!modelled) return expect.fail('both payments are registered in the end')
  const { payment, gatewayRef, version, ledger } = modelled
  const row = await paymentRow(database.pool, merchantRef)
  expect(row).toMatchObject({
    state: payment.state,
    captured_minor: String(payment.capturedMinor),
    capture_ref: payment.captureRef,
    gateway_ref: gatewayRef,
    version,
  })
  expect(await ledgerOf(database.pool, merchantRef)).toEqual(ledger)
  const [operations] = await database.pool.query<RowDataPacket[]>(
    'SELECT kind, ref, state, amount_minor FROM payment_operations WHERE payment_id = ?',
    [row.id],
  )
  const inWords = operations.map((each) => `${each.kind} ${each.ref} ${each.state} ${each.amount_minor}`)
  expect(inWords.sort()).toEqual(
    payment.operations.map((each) => `${each.kind} ${each.ref} ${each.state} ${each.amountMinor}`).sort(),
  )
}
