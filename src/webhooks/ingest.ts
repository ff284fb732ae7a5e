import { isConnectionLost } from '../../db/errors.ts'
import { type AddressRanges, clientAddress } from '../base/addresses.ts'
import type { Clock } from '../base/clock.ts'
import { idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sampler } from '../base/sampler.ts'
import { allowedAddresses } from './allowed-addresses.ts'
import type { Certificates } from './certificates.ts'
import { StoreUnavailable, type Verdict } from './commit-batch.ts'
import { newEvent } from './event.ts'
import type { FetchText } from './fetch-text.ts'
import { activeAccount } from './gateways/active-secrets.ts'
import type {
  Acknowledgement,
  GatewayAccount,
  GatewayAdapter,
  Received,
  RefusalCode,
} from './gateways/adapter.ts'
import type { GroupCommit } from './group-commit.ts'
import {
  type IncomingDelivery,
  type IngestAnswer,
  type IngestRefusal,
  type IngestTrouble,
  type Sender,
  worst,
} from './ingest-answer.ts'
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
    if (active.hasEnded) return this.#refuseFor(incoming, adapter, ENDED)
    const { known } = this.#options.certificates
    let received = adapter.receive(incoming.delivery, active.account, nowMs, known)
    if (received.kind === 'certificate_needed') {
      const key = await this.#options.certificates.fetch(received.url)
      if (key === null) return this.#wait(incoming, 'certificate_unavailable')
      received = adapter.receive(incoming.delivery, active.account, nowMs, new Map([[received.url, key]]))
    }
    if (received.kind === 'refused') return this.#refuseFor(incoming, adapter, received)
    if (received.kind === 'subscription') return this.#subscribe(incoming, adapter, received.url)
    if (received.kind === 'certificate_needed') return this.#wait(incoming, 'certificate_unavailable')
    metrics.secretMatched(incoming.gateway, incoming.account, active.positionOf(received.secretIndex))
    const context = { ...incoming, signature: received.signature.slice(0, SIGNATURE_LIMIT_CHARACTERS) }
    const events = received.events.map((event) => newEvent(adapter, event, context))
    try {
      const verdicts = await Promise.all(events.map((event) => this.#options.commit.store(event)))
      return this.#acknowledge(incoming, verdicts, adapter.acknowledgement ?? null)
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !isConnectionLost(error)) throw error
      return this.#unavailable(incoming, 'database_unavailable')
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

  /** Whether this gateway asks anything by GET. */
  hasChallenge(gateway: string): boolean {
    return this.#options.adapters.get(gateway)?.challenge !== undefined
  }

  /** Answers a gateway that asks by GET whether somebody with the key is here; most never do, and are refused. */
  challenge(incoming: IncomingDelivery): IngestAnswer {
    const { adapters, accounts, clock } = this.#options
    const adapter = adapters.get(incoming.gateway)
    const account = accounts.get(incoming.gateway)?.get(incoming.account)
    if (!adapter?.challenge || !account)
      return this.refuse(incoming, 405, 'method_not_allowed', 'webhooks are posted')
    const active = activeAccount(account, clock.nowMs())
    const answer = active.hasEnded ? ENDED : adapter.challenge(incoming.delivery, active.account)
    if (answer.kind === 'refused') return this.#refuseFor(incoming, adapter, answer)
    this.#options.metrics.delivery(incoming.gateway, 'challenge')
    return { kind: 'answered', body: answer.body }
  }

  #refuseFor(incoming: Sender, adapter: GatewayAdapter, { code, detail }: Refusal): IngestAnswer {
    const status = isSignatureCode(code) ? (adapter.refusalStatus ?? 401) : 400
    return this.refuse(incoming, status, code, detail)
  }

  #unavailable({ gateway }: Sender, code: IngestTrouble): IngestAnswer {
    this.#options.metrics.delivery(gateway, 'unavailable')
    return { kind: 'unavailable', code }
  }

  /** What a gateway publishes is not to be had: nothing else here would say so. */
  #wait(incoming: Sender, code: IngestTrouble): IngestAnswer {
    const permission = this.#options.samplers.refusals.allow()
    if (permission)
      this.#options.log.warn({ ...about(incoming), code, ...permission }, 'webhook cannot be taken now')
    return this.#unavailable(incoming, code)
  }

  /** Confirms a subscription by a GET of the URL that the gateway signed and its adapter vetted. It asks again after a 503. */
  async #subscribe(incoming: Sender, adapter: GatewayAdapter, url: string): Promise<IngestAnswer> {
    const { fetchText, log, metrics } = this.#options
    const answer = await fetchText(url, SUBSCRIPTION_LIMITS).catch(() => null)
    if (answer === null || answer.status >= 300) return this.#wait(incoming, 'subscription_unconfirmed')
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
        'ALARM: one event id came with two different amounts; the first stands, the second is kept apart',
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

/** An account whose secrets have all ended takes nothing, as one that never had any might. */
const ENDED: Refusal = {
  kind: 'refused',
  code: 'signature_invalid',
  detail: 'every secret of the account has ended',
}

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
