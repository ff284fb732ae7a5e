import { type KeyObject, X509Certificate } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { FetchText } from './fetch-text.ts'

export interface CertificatesOptions {
  readonly fetchText: FetchText
  readonly clock: Clock
}

/** A gateway has one or two; the bound is for an adapter that trusts a whole domain. */
const MAX_KEPT = 32
/** A certificate that was revoked is not believed for longer. */
const KEPT_MS = 6 * 3_600_000
/** After a failure the host is left alone so long; deliveries are answered 503 and come again. */
const PAUSE_AFTER_FAILURE_MS = 5_000
const LIMITS = { timeoutMs: 3_000, maxBytes: 64 * 1_024 }

/** Most processes never see a gateway with certificates. */
const NONE: ReadonlyMap<string, KeyObject> = new Map()

interface Kept {
  readonly key: KeyObject | null
  readonly untilMs: number
}

/**
 * Public keys of certificates that gateways publish, by URL; which URLs may be asked for, adapters decide. Fetched once for all
 * who wait, kept for six hours at most and never beyond the certificate's own end.
 */
export class Certificates {
  readonly #options: CertificatesOptions
  readonly #kept = new Map<string, Kept>()
  readonly #inFlight = new Map<string, Promise<KeyObject | null>>()

  constructor(options: CertificatesOptions) {
    this.#options = options
  }

  /** What is known now; adapters are given it with every delivery. */
  get known(): ReadonlyMap<string, KeyObject> {
    if (this.#kept.size === 0) return NONE
    const nowMs = this.#options.clock.nowMs()
    const pairs = [...this.#kept].flatMap(([url, { key, untilMs }]) =>
      key !== null && nowMs < untilMs ? [[url, key] as const] : [],
    )
    return new Map(pairs)
  }

  /** The key of the certificate at this URL; null: it cannot be had now, or it is not valid now. Never throws. */
  async fetch(url: string): Promise<KeyObject | null> {
    const kept = this.#kept.get(url)
    if (kept !== undefined && this.#options.clock.nowMs() < kept.untilMs) return kept.key
    const running = this.#inFlight.get(url) ?? this.#load(url).finally(() => this.#inFlight.delete(url))
    this.#inFlight.set(url, running)
    return running
  }

  async #load(url: string): Promise<KeyObject | null> {
    const nowMs = this.#options.clock.nowMs()
    const loaded = await this.#read(url, nowMs).catch(() => null)
    this.#kept.delete(url)
    this.#kept.set(url, loaded ?? { key: null, untilMs: nowMs + PAUSE_AFTER_FAILURE_MS })
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return loaded?.key ?? null
  }

  async #read(url: string, nowMs: number): Promise<Kept | null> {
    const { status, text } = await this.#options.fetchText(url, LIMITS)
    if (status !== 200) return null
    const certificate = new X509Certificate(text)
    const endMs = Date.parse(certificate.validTo)
    if (nowMs < Date.parse(certificate.validFrom) || !(nowMs < endMs)) return null
    return { key: certificate.publicKey, untilMs: Math.min(nowMs + KEPT_MS, endMs) }
  }
}
