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
/** After a failure the URL is left alone so long; deliveries are answered 503 and come again. */
const PAUSE_AFTER_FAILURE_MS = 5_000
/** Nobody has verified who names a URL: this bounds what strangers can make us fetch at once… */
const MAX_IN_FLIGHT = 8
/** …how many bodies may wait for it… */
const MAX_WAITING = 128
/** …and how many URLs may fail within one pause before none that never served is tried. */
const MAX_FAILED = 32
const LIMITS = { timeoutMs: 3_000, maxBytes: 64 * 1_024 }

/** Most processes never see a gateway with certificates. */
const NONE: ReadonlyMap<string, KeyObject> = new Map()

interface Kept {
  readonly key: KeyObject
  readonly untilMs: number
}

/**
 * Public keys of certificates that gateways publish, by URL; which URLs may be asked for, adapters decide. Fetched once for all
 * who wait, kept for six hours at most and never beyond the certificate's own end. What failed is remembered apart, so that
 * made-up URLs push no good one out.
 */
export class Certificates {
  readonly #options: CertificatesOptions
  readonly #kept = new Map<string, Kept>()
  /** URL → until when it is left alone. */
  readonly #failed = new Map<string, number>()
  readonly #inFlight = new Map<string, Promise<KeyObject | null>>()
  #waiting = 0

  constructor(options: CertificatesOptions) {
    this.#options = options
  }

  /** What is known now; adapters are given it with every delivery. */
  get known(): ReadonlyMap<string, KeyObject> {
    if (this.#kept.size === 0) return NONE
    const nowMs = this.#options.clock.nowMs()
    const pairs = [...this.#kept].flatMap(([url, { key, untilMs }]) =>
      nowMs < untilMs ? [[url, key] as const] : [],
    )
    return new Map(pairs)
  }

  /** The key of the certificate at this URL; null: it cannot be had now, or it is not valid now. Never throws. */
  async fetch(url: string): Promise<KeyObject | null> {
    const nowMs = this.#options.clock.nowMs()
    const kept = this.#kept.get(url)
    if (kept !== undefined && nowMs < kept.untilMs) return kept.key
    const running = this.#inFlight.get(url)
    if (this.#waiting >= MAX_WAITING || (running === undefined && !this.#mayFetch(url, nowMs))) return null
    this.#waiting += 1
    return (running ?? this.#start(url)).finally(() => {
      this.#waiting -= 1
    })
  }

  /** A URL that served before is tried whatever happens to those that never did. */
  #mayFetch(url: string, nowMs: number): boolean {
    for (const [failed, untilMs] of this.#failed) if (nowMs >= untilMs) this.#failed.delete(failed)
    if (this.#failed.has(url)) return false
    return this.#kept.has(url) || (this.#inFlight.size < MAX_IN_FLIGHT && this.#failed.size < MAX_FAILED)
  }

  #start(url: string): Promise<KeyObject | null> {
    const running = this.#load(url).finally(() => this.#inFlight.delete(url))
    this.#inFlight.set(url, running)
    return running
  }

  async #load(url: string): Promise<KeyObject | null> {
    const loaded = await this.#read(url).catch(() => null)
    if (loaded === null) {
      this.#failed.set(url, this.#options.clock.nowMs() + PAUSE_AFTER_FAILURE_MS)
      return null
    }
    this.#kept.delete(url)
    this.#kept.set(url, loaded)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return loaded.key
  }

  async #read(url: string): Promise<Kept | null> {
    const { status, text } = await this.#options.fetchText(url, LIMITS)
    if (status !== 200) return null
    const certificate = new X509Certificate(text)
    const nowMs = this.#options.clock.nowMs()
    const endMs = Date.parse(certificate.validTo)
    if (nowMs < Date.parse(certificate.validFrom) || !(nowMs < endMs)) return null
    return { key: certificate.publicKey, untilMs: Math.min(nowMs + KEPT_MS, endMs) }
  }
}
