import { z } from 'zod'
import { PAYMENT_STATES } from '../payments/state.ts'
import { EVENT_STATES } from '../webhooks/event.ts'
import { DEFAULT_ACCOUNT } from '../webhooks/gateways/adapter.ts'
import { amountMinor, currencyCode, foreignId, minor, time } from './fields.ts'

const MAX_REF_BYTES = 255

/** A reference as its column keeps it: no blanks around it, so that two that look alike are alike. */
const reference = z
  .string()
  .min(1)
  .max(MAX_REF_BYTES)
  .refine((text) => text.trim() === text, 'no blanks around it')
  .refine((text) => text.isWellFormed() && Buffer.byteLength(text) <= MAX_REF_BYTES, 'at most 255 bytes')

const gatewayName = z.string().regex(/^[a-z0-9-]{1,32}$/, 'lower case, digits and -')
const accountName = z.string().regex(/^[a-z0-9-]{1,64}$/, 'lower case, digits and -')

/** `POST /internal/payments` */
export const EXPECTED_PAYMENT = z.strictObject({
  gateway: gatewayName.describe('a configured gateway: kashier'),
  account: accountName.default(DEFAULT_ACCOUNT).describe("the gateway's account"),
  merchantRef: reference.describe('our reference, as the gateway was given it'),
  gatewayRef: reference.nullish().describe("the gateway's reference, where it is known already"),
  amountMinor: amountMinor(1).describe('what is owed, in minor units of the currency'),
  currency: currencyCode,
  tripId: foreignId.nullish().describe('may name a trip that is not in the database yet'),
  customerId: foreignId.nullish(),
  driverId: foreignId.nullish(),
})
export type ExpectedPaymentBody = z.output<typeof EXPECTED_PAYMENT>

/** `PATCH /internal/payments/:id` */
export const PAYMENT_CHANGE = z.strictObject({
  gatewayRef: reference.describe("the gateway's reference; it can be set once"),
})

const id = z.uuid()

/** A payment as paymentJson() writes it. */
export const PAYMENT = z.object({
  id,
  gateway: z.string(),
  account: z.string(),
  merchantRef: z.string(),
  gatewayRef: z.string().nullable(),
  state: z.enum(PAYMENT_STATES),
  expectedMinor: minor,
  capturedMinor: minor,
  currency: z.string(),
  captureRef: z.string().nullable(),
  tripId: z.string().nullable(),
  customerId: z.string().nullable(),
  driverId: z.string().nullable(),
  version: z.int().describe('how many transitions it has had'),
  operations: z
    .array(z.object({ kind: z.string(), ref: z.string(), state: z.string(), amountMinor: minor }))
    .describe('refunds and disputes'),
  createdAt: time,
})

const TRANSITION = z.object({
  id,
  version: z.int(),
  eventId: id.nullable(),
  kind: z.string(),
  from: z.enum(PAYMENT_STATES).nullable(),
  to: z.enum(PAYMENT_STATES),
  operationRef: z.string().nullable(),
  amountMinor: minor.nullable(),
  currency: z.string().nullable(),
  at: time,
})

const ENTRY = z.object({
  transitionId: id,
  ledgerAccount: z.string(),
  amountMinor: minor.describe('positive is debit'),
  currency: z.string(),
})

const EVENT = z.object({
  id,
  gateway: z.string(),
  account: z.string(),
  eventId: z.string(),
  type: z.string(),
  kind: z.string().nullable(),
  amountMinor: minor.nullable(),
  currency: z.string().nullable(),
  state: z.enum(EVENT_STATES),
  outcome: z.string().nullable(),
  reason: z.string().nullable(),
  attempts: z.int(),
  paymentId: id.nullable(),
  receivedAt: time,
  finishedAt: time.nullable(),
})

/** `GET /internal/payments/:id` */
export const PAYMENT_HISTORY = z.object({
  payment: PAYMENT,
  transitions: z.array(TRANSITION),
  ledger: z.array(ENTRY),
  balanced: z.boolean().describe('whether the entries of each transition sum to zero'),
  events: z.array(EVENT).describe('the newest 200, oldest first'),
})
