import { isConnectionLost } from '../../db/errors.ts'
import { AddressRanges, clientAddress } from '../base/addresses.ts'
import type { Clock } from '../base/clock.ts'
import { idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sampler } from '../base/sampler.ts'
import type { Certificates } from './certificates.ts'
import { StoreUnavailable, type Verdict } from './commit-batch.ts'
import { newEvent } from './event.ts'
import type { FetchText } from './fetch-text.ts'
import { activeAccount } from './gateways/active-secrets.ts'
import type {
  Acknowledgement,
  Delivery,
  GatewayAccount,
  GatewayAdapter,
  Received,
  RefusalCode,
} from './gateways/adapter.ts'
import { listOf } from './gateways/settings.ts'
import type { GroupCommit } from './group-commit.ts'
import type { WebhookMetrics } from './metrics.ts'

/** Every gateway account that is configured: gateway → account → its secrets and settings. */
export type AccountBook = ReadonlyMap<string, ReadonlyMap<string, GatewayAccount>>

export interface IngestOptions {
  readonly adapters: ReadonlyMap<string, GatewayAdapter>
  readonly accounts: AccountBook
  readonly commit: Pick<GroupCommit, 'store'>
  readonly clock: Clock
  readonly metrics: WebhookMetrics
  readonly certificates: Certificates
  readonly fetchText: FetchText
  /** The proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: AddressRanges
  readonly log: Log
  /** Lets through as many lines as a log can bear; the others are only counted. */
  readonly samplers: { readonly refusals: Sampler; readonly acknowledgements: Sampler }
}

export interface IncomingDelivery {
  readonly gateway: string
  readonly account: string
  readonly requestId: string
  readonly delivery: Delivery
}

export type IngestRefusal =
  | RefusalCode
  | 'gateway_unknown'
  | 'address_refused'
  | 'body_incomplete'
  | 'body_too_large'
  | 'method_not_allowed'
  | 'overloaded'

/** What the sender is told. acknowledged only ever follows the commit. */
export type IngestAnswer =
  | {
      readonly kind: 'acknowledged'
      readonly verdict: Verdict['kind'] | 'nothing'
      readonly eventIds: readonly string[]
      /** What the gateway wants to read; null: whatever we like. */
      readonly acknowledgement: Acknowledgement | null
    }
  /** The answer to a gateway's question by GET. */
  | { readonly kind: 'answered'; readonly body: string }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly code: IngestRefusal
      readonly detail: string
    }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** Takes one delivery: finds its account, verifies it, makes its events durable, and only then acknowledges. */
export class Ingest {
  readonly #options: IngestOptions

  constructor(options: IngestOptions) {
    this.#options = options
  }

  /** Is there such an account, so that its body is worth reading? */
  knows(gateway: string, account: string): boolean {
    return this.#options.adapters.has(gateway) && this.#options.accounts.get(gateway)?.has(account) === true
  }

  /** Never throws for what a sender can do or for a database that is away; throws for our own defects. */
  async take(incoming: IncomingDelivery): Promise<IngestAnswer> {
    const { adapters, accounts, clock, metrics } = this.#options
    const adapter = adapters.get(incoming.gateway)
    const account = accounts.get(incoming.gateway)?.get(incoming.account)
    if (!adapter || !account)
      return this.refuse(incoming, 404, 'gateway_unknown', 'no such gateway account is configured')
    const nowMs = clock.nowMs()
    const active = activeAccount(account, nowMs)
    const { known } = this.#options.certificates
    let received = adapter.receive(incoming.delivery, active.account, nowMs, known)
    if (received.kind === 'certificate_needed') {
      const key = await this.#options.certificates.fetch(received.url)
      if (key === null) return this.#unavailable(incoming, "the gateway's certificate cannot be had now")
      received = adapter.receive(incoming.delivery, active.account, nowMs, new Map([[received.url, key]]))
    }
    if (received.kind === 'refused') return this.#refuseFor(incoming, adapter, received)
    if (received.kind === 'subscription') return this.#subscribe(incoming, adapter, received.url)
    if (received.kind === 'certificate_needed')
      return this.#unavailable(incoming, "the gateway's certificate is none that its adapter takes")
    metrics.secretMatched(incoming.gateway, incoming.account, active.positionOf(received.secretIndex))
    const context = { ...incoming, signature: received.signature.slice(0, SIGNATURE_LIMIT_CHARACTERS) }
    const events = received.events.map((event) => newEvent(adapter, event, context))
    try {
      const verdicts = await Promise.all(events.map((event) => this.#options.commit.store(event)))
      return this.#acknowledge(incoming, verdicts, adapter.acknowledgement ?? null)
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !isConnectionLost(error)) throw error
      return this.#unavailable(incoming, error instanceof Error ? error.message : 'the database is away')
    }
  }

  /**
   * May this address send for the account? null: yes. Judged before the body is read; an account without ALLOWED_CIDRS takes
   * deliveries from everywhere.
   */
  judgeAddress(
    sender: Sender,
    peer: string | undefined,
    forwardedFor: string | undefined,
  ): IngestAnswer | null {
    const account = this.#options.accounts.get(sender.gateway)?.get(sender.account)
    const allowed = account === undefined ? null : allowedAddresses(account)
    if (allowed === null) return null
    const address = clientAddress(peer, forwardedFor, this.#options.trustedProxies)
    if (address !== null && allowed.has(address)) return null
    return this.refuse(sender, 403, 'address_refused', 'this address may not send for the account')
  }

  /** Answers a gateway that asks by GET whether somebody with the key is here; most never do, and are refused. */
  challenge(incoming: IncomingDelivery): IngestAnswer {
    const { adapters, accounts, clock } = this.#options
    const adapter = adapters.get(incoming.gateway)
    const account = accounts.get(incoming.gateway)?.get(incoming.account)
    if (!adapter?.challenge || !account)
      return this.refuse(incoming, 405, 'method_not_allowed', 'webhooks are posted')
    const answer = adapter.challenge(incoming.delivery, activeAccount(account, clock.nowMs()).account)
    if (answer.kind === 'refused') return this.#refuseFor(incoming, adapter, answer)
    this.#options.metrics.delivery(incoming.gateway, 'challenge')
    return { kind: 'answered', body: answer.body }
  }

  #refuseFor(incoming: Sender, adapter: GatewayAdapter, { code, detail }: Refusal): IngestAnswer {
    const status = isSignatureCode(code) ? (adapter.refusalStatus ?? 401) : 400
    return this.refuse(incoming, status, code, detail)
  }

  #unavailable({ gateway }: Sender, detail: string): IngestAnswer {
    this.#options.metrics.delivery(gateway, 'unavailable')
    return { kind: 'unavailable', detail }
  }

  /** Confirms a subscription by a GET of the URL that the gateway signed and its adapter vetted. It asks again after a 503. */
  async #subscribe(incoming: Sender, adapter: GatewayAdapter, url: string): Promise<IngestAnswer> {
    const { fetchText, log, metrics } = this.#options
    const answer = await fetchText(url, SUBSCRIPTION_LIMITS).catch(() => null)
    if (answer === null || answer.status >= 300)
      return this.#unavailable(incoming, 'the subscription could not be confirmed')
    metrics.delivery(incoming.gateway, 'subscribed')
    log.info(about(incoming), 'the subscription to the gateway is confirmed')
    const acknowledgement = adapter.acknowledgement ?? null
    return { kind: 'acknowledged', verdict: 'nothing', eventIds: [], acknowledgement }
  }

  #acknowledge(
    incoming: IncomingDelivery,
    verdicts: readonly Verdict[],
    acknowledgement: Acknowledgement | null,
  ): IngestAnswer {
    const { metrics, log } = this.#options
    const eventIds = verdicts.map(({ id }) => idToText(id))
    for (const verdict of verdicts) {
      if (verdict.kind !== 'conflict') continue
      metrics.conflict(incoming.gateway)
      log.error(
        { ...about(incoming), eventId: idToText(verdict.id), conflictId: idToText(verdict.conflictId) },
        'ALARM: one event id came with two different amounts; the first stands, the second is quarantined',
      )
    }
    const verdict = worst(verdicts)
    metrics.delivery(incoming.gateway, verdict)
    const permission = log.isLevelEnabled('info') ? this.#options.samplers.acknowledgements.allow() : null
    if (permission) log.info({ ...about(incoming), verdict, eventIds, ...permission }, 'webhook acknowledged')
    return { kind: 'acknowledged', verdict, eventIds, acknowledgement }
  }

  /** Counts a refusal, and logs it where a log can bear it. Nothing is stored. */
  refuse(incoming: Sender, status: number, code: IngestRefusal, detail: string): IngestAnswer {
    // Anybody may write anything into a URL: only names that we know become labels.
    const isKnown = this.knows(incoming.gateway, incoming.account)
    this.#options.metrics.delivery(isKnown ? incoming.gateway : 'unknown', code)
    const permission = this.#options.samplers.refusals.allow()
    if (permission)
      this.#options.log.warn({ ...about(incoming), code, detail, ...permission }, 'webhook refused')
    return { kind: 'refused', status, code, detail }
  }
}

type Refusal = Extract<Received, { kind: 'refused' }>
const SUBSCRIPTION_LIMITS = { timeoutMs: 5_000, maxBytes: 64 * 1_024 }

/** Accounts live as long as the process. */
const rangesByAccount = new WeakMap<GatewayAccount, AddressRanges>()

function allowedAddresses(account: GatewayAccount): AddressRanges | null {
  const list = listOf(account.settings.ALLOWED_CIDRS)
  if (list.length === 0) return null
  const ranges = rangesByAccount.get(account) ?? new AddressRanges(list)
  rangesByAccount.set(account, ranges)
  return ranges
}

/** Who sends, as the URL and the request say. */
type Sender = Omit<IncomingDelivery, 'delivery'>

/** The column's width; every scheme's signature is far shorter. */
const SIGNATURE_LIMIT_CHARACTERS = 1_024

function isSignatureCode(code: RefusalCode): boolean {
  return code === 'signature_missing' || code === 'signature_invalid' || code === 'signature_expired'
}

/** The names come from the URL, where anybody may write anything. */
function about({ gateway, account, requestId }: Sender): Record<string, string> {
  return { gateway: nameOrNot(gateway, 32), account: nameOrNot(account, 64), requestId }
}

/** Left out rather than cut: the head of a secret that somebody put into the URL would pass the scrubber. */
function nameOrNot(text: string, limitCharacters: number): string {
  return text.length <= limitCharacters ? text : '(too long)'
}

const SEVERITY = { stored: 0, duplicate: 1, conflict: 2 } as const

/** A delivery of several events is counted by the most remarkable of them. */
function worst(verdicts: readonly Verdict[]): Verdict['kind'] | 'nothing' {
  let result: Verdict['kind'] | 'nothing' = 'nothing'
  for (const { kind } of verdicts) {
    if (result === 'nothing' || SEVERITY[kind] > SEVERITY[result]) result = kind
  }
  return result
}
