import { z } from 'zod'
import { mayMoveMoney, tierOf } from '../event.ts'
import {
  DEFAULT_ACCOUNT,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'

/** Headers of a case as people write them; adapters want lower-case names. */
const texts = z.record(z.string(), z.string())

/**
 * One signed delivery, and what is expected of it. Files of such cases are what `onceline webhook verify` reads; the secrets in
 * them are those of a test.
 */
export const CASE = z.looseObject({
  gateway: z.string(),
  name: z.string().default('(no name)'),
  method: z.enum(['GET', 'POST']).default('POST'),
  query: texts.default({}),
  headers: texts.default({}),
  /** The raw bytes, as text. */
  body: z.string().default(''),
  /** Any may match; where a secret is a pair, its two halves follow one another. */
  secrets: z.array(z.string()).default([]),
  /** The clock to verify with, in Unix seconds; without it the age is not checked. */
  now: z.int().optional(),
  settings: texts.default({}),
  webhookId: z.string().optional(),
  certPem: z.string().optional(),
  publicKeyPem: z.string().optional(),
  notificationUrl: z.string().optional(),
  requiredKeys: z.array(z.string()).optional(),
  useMerchantRefNum: z.boolean().optional(),
  /** What is expected; not stated: whatever comes is right. */
  valid: z.boolean().optional(),
  expectedResponse: z.string().optional(),
})
export type Case = z.output<typeof CASE>

/** What the adapter made of a case. Of several events in one delivery each member but `mayMoveMoney` is a list. */
export interface CaseVerdict {
  readonly name: string
  readonly gateway: string
  readonly valid: boolean
  /** Why not: the refusal's code and detail. Null when valid. */
  readonly reason: string | null
  readonly eventId: OneOrMore<string>
  readonly dedupeKey: OneOrMore<string>
  readonly type: OneOrMore<string>
  readonly state: OneOrMore<string>
  readonly amountMinor: OneOrMore<number>
  readonly currency: OneOrMore<string>
  readonly tier: string
  /** Whether money would move for any of its events, without asking anybody. */
  readonly mayMoveMoney: boolean
}

type OneOrMore<T> = T | null | readonly (T | null)[]

/** Lets the adapter judge the case, as the endpoint would. Needs nothing but the case. */
export function judgeCase(one: Case, adapter: GatewayAdapter): CaseVerdict {
  const account = accountOf(one, adapter)
  const base = { name: one.name, gateway: one.gateway }
  if (one.method === 'GET') return { ...base, ...judgeChallenge(one, adapter, account) }
  const nowMs = one.now === undefined ? null : one.now * 1_000
  const received = adapter.receive(deliveryOf(one), account, nowMs)
  if (received.kind !== 'accepted') return { ...base, ...withoutEvents(received, adapter) }
  const { events } = received
  const all = <T>(read: (event: GatewayEvent) => T | null): OneOrMore<T> =>
    events.length === 1 && events[0] ? read(events[0]) : events.map(read)
  const [first] = events
  return {
    ...base,
    valid: true,
    reason: null,
    eventId: all((event) => event.gatewayEventId ?? event.eventId),
    dedupeKey: all((event) => event.eventId),
    type: all((event) => event.type),
    state: all(stateOf),
    amountMinor: all(({ fact }) => (fact?.amountMinor == null ? null : Number(fact.amountMinor))),
    currency: all((event) => event.fact?.currency ?? null),
    tier: first === undefined ? adapter.tier : tierOf(adapter, first),
    mayMoveMoney: events.some((event) => mayMoveMoney(adapter, event)),
  }
}

/** What the event means, or why it is held. */
function stateOf(event: GatewayEvent): string | null {
  return event.hold === null ? (event.fact?.kind ?? null) : `held: ${event.hold}`
}

const NOTHING = {
  eventId: null,
  dedupeKey: null,
  type: null,
  state: null,
  amountMinor: null,
  currency: null,
  mayMoveMoney: false,
} as const

function withoutEvents(received: Exclude<Received, { kind: 'accepted' }>, adapter: GatewayAdapter) {
  const { tier } = adapter
  switch (received.kind) {
    case 'refused':
      return { ...NOTHING, tier, valid: false, reason: `${received.code}: ${received.detail}` }
    case 'certificate_needed':
      return {
        ...NOTHING,
        tier,
        valid: false,
        reason: 'certificate_needed: name its key as certPem or publicKeyPem',
      }
    case 'subscription':
      return { ...NOTHING, tier, valid: true, reason: null, type: 'subscription' }
    default:
      return received satisfies never
  }
}

function judgeChallenge(one: Case, adapter: GatewayAdapter, account: GatewayAccount) {
  const { tier } = adapter
  const answer = adapter.challenge?.(deliveryOf(one), account)
  if (answer === undefined) {
    return { ...NOTHING, tier, valid: false, reason: `method_not_allowed: ${adapter.about.title} only posts` }
  }
  if (answer.kind === 'refused')
    return { ...NOTHING, tier, valid: false, reason: `${answer.code}: ${answer.detail}` }
  const isExpected = one.expectedResponse === undefined || one.expectedResponse === answer.body
  const reason = isExpected ? null : 'answer_differs: the answer is not expectedResponse'
  return { ...NOTHING, tier, valid: isExpected, reason, type: 'challenge' }
}

/** What comes over the wire. */
export function deliveryOf(one: Case): Delivery {
  const headers: Record<string, string> = {}
  for (const [written, value] of Object.entries(one.headers)) {
    const name = written.toLowerCase()
    // As the server joins a header that came twice.
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return {
    body: Buffer.from(one.body),
    headers,
    query: new URLSearchParams(one.query),
  }
}

/** The default account that the case is judged with. */
export function accountOf(one: Case, adapter: GatewayAdapter): GatewayAccount {
  const settings = {
    WEBHOOK_ID: one.webhookId,
    PUBLIC_KEY: one.certPem ?? one.publicKeyPem,
    PUBLIC_URL: one.notificationUrl,
    REQUIRED_KEYS: one.requiredKeys?.join(','),
    USE_MERCHANT_REF_NUM: one.useMerchantRefNum?.toString(),
    ...one.settings,
  }
  const secrets = adapter.secretForm === 'pair' ? paired(one.secrets) : one.secrets
  return { gateway: adapter.name, account: DEFAULT_ACCOUNT, secrets, settings }
}

function paired(halves: readonly string[]): readonly string[] {
  return halves.flatMap((half, index) => (index % 2 === 0 ? [`${half}:${halves[index + 1] ?? ''}`] : []))
}
