import { isConnectionLost } from '../../db/errors.ts'
import type { Clock } from '../base/clock.ts'
import { idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sampler } from '../base/sampler.ts'
import { StoreUnavailable, type Verdict } from './commit-batch.ts'
import { newEvent } from './event.ts'
import type { Delivery, GatewayAccount, GatewayAdapter, RefusalCode } from './gateways/adapter.ts'
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
    }
  | {
      readonly kind: 'refused'
      readonly status: 400 | 401 | 404 | 405 | 413 | 503
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
    const received = adapter.receive(incoming.delivery, account, clock.nowMs())
    if (received.kind === 'refused') {
      const status = isSignatureCode(received.code) ? 401 : 400
      return this.refuse(incoming, status, received.code, received.detail)
    }
    metrics.secretMatched(incoming.gateway, incoming.account, received.secretIndex)
    const context = { ...incoming, signature: received.signature.slice(0, SIGNATURE_LIMIT_CHARACTERS) }
    const events = received.events.map((event) => newEvent(adapter, event, context))
    try {
      const verdicts = await Promise.all(events.map((event) => this.#options.commit.store(event)))
      return this.#acknowledge(incoming, verdicts)
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !isConnectionLost(error)) throw error
      metrics.delivery(incoming.gateway, 'unavailable')
      return { kind: 'unavailable', detail: error instanceof Error ? error.message : 'the database is away' }
    }
  }

  #acknowledge(incoming: IncomingDelivery, verdicts: readonly Verdict[]): IngestAnswer {
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
    return { kind: 'acknowledged', verdict, eventIds }
  }

  /** Counts a refusal, and logs it where a log can bear it. Nothing is stored. */
  refuse(incoming: Sender, status: Refused['status'], code: IngestRefusal, detail: string): IngestAnswer {
    // Anybody may write anything into a URL: only names that we know become labels.
    const isKnown = this.knows(incoming.gateway, incoming.account)
    this.#options.metrics.delivery(isKnown ? incoming.gateway : 'unknown', code)
    const permission = this.#options.samplers.refusals.allow()
    if (permission)
      this.#options.log.warn({ ...about(incoming), code, detail, ...permission }, 'webhook refused')
    return { kind: 'refused', status, code, detail }
  }
}

type Refused = Extract<IngestAnswer, { kind: 'refused' }>
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
