import { assert } from '../../base/assert.ts'
import { type BoundedAnswer, boundedFetch, type FetchLimits } from '../../base/bounded-fetch.ts'
import { CircuitBreaker, type CircuitShape, type Health, type Permit } from '../../base/circuit.ts'
import type { Clock } from '../../base/clock.ts'
import { retryAfterMs } from '../../base/retry-after.ts'
import type { GatewayAccount } from '../gateways/adapter.ts'
import type { ApiAnswer, ApiRequest, GatewayApi } from '../gateways/confirm.ts'
import { parseObject } from '../gateways/kit/body.ts'

/**
 * Why a gateway could not be asked. away: no answer, a redirection, 429 or 5xx. refused: 401 or 403, our credentials. resting: it
 * was away too often, or asked for it, and is left alone for a while.
 */
export class GatewayAway extends Error {
  override readonly name = 'GatewayAway'
  readonly kind: 'away' | 'refused' | 'resting'
  /** Asking again sooner is in vain; 0: nobody said so. */
  readonly holdMs: number

  constructor(kind: GatewayAway['kind'], message: string, holdMs = 0) {
    super(message)
    this.kind = kind
    this.holdMs = holdMs
  }
}

const TIMEOUT_MS = 10_000
const LIMITS: FetchLimits = { timeoutMs: TIMEOUT_MS, maxBytes: 1024 * 1024 }
const SHAPE: CircuitShape = {
  failures: 5,
  errorsAFailure: 3,
  openMs: 5_000,
  maxOpenMs: 300_000,
  probeMs: TIMEOUT_MS + 1_000,
}

/** One account's way to its gateway's API: bounded calls behind a circuit breaker, and none before a Retry-After is over. */
export class AccountApi implements GatewayApi {
  readonly settings: GatewayAccount['settings']
  readonly #baseUrl: string
  readonly #limits: FetchLimits
  readonly #breaker: CircuitBreaker
  readonly #clock: Clock
  /** On the monotonic clock. */
  #heldUntilMs = 0

  /** `apiUrl` is the production address; the setting API_URL takes its place. */
  constructor(account: GatewayAccount, apiUrl: string, clock: Clock, limits = LIMITS) {
    this.#limits = limits
    this.#clock = clock
    this.settings = account.settings
    this.#baseUrl = (account.settings.API_URL?.trim() || apiUrl).replace(/\/+$/, '')
    this.#breaker = new CircuitBreaker(
      SHAPE,
      () => clock.monotonicMs(),
      () => undefined,
    )
  }

  /** Throws GatewayAway; anything else that it throws is a defect of an adapter. */
  async call(request: ApiRequest): Promise<ApiAnswer> {
    // Without its slash a path could go on with the host's name.
    assert(request.path.startsWith('/'), 'the path of a request begins with a slash')
    if (CLIMBING.test(request.path)) return { status: 404, body: null }
    const heldMs = this.#heldUntilMs - this.#clock.monotonicMs()
    if (heldMs > 0) throw new GatewayAway('resting', 'the gateway asked to be left alone for a while', heldMs)
    const [permit] = this.#breaker.admit(1)
    if (permit === undefined) {
      const words = 'the gateway was away too often; it is left alone for a while'
      throw new GatewayAway('resting', words, this.#breaker.restMs)
    }
    try {
      const answer = await this.#send(request)
      this.#breaker.hear(permit, 'well')
      return answer
    } catch (error) {
      this.#hear(permit, error)
      throw error
    }
  }

  #hear(permit: Permit, error: unknown): void {
    const away = error instanceof GatewayAway ? error : null
    const health: Health = away?.kind === 'away' ? 'ill' : away?.kind === 'refused' ? 'erring' : 'unknown'
    const holdMs = away?.holdMs ?? 0
    this.#breaker.hear(permit, health, holdMs)
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#clock.monotonicMs() + holdMs)
  }

  async #send({ method, path, headers, json, form }: ApiRequest): Promise<ApiAnswer> {
    const body = json !== undefined ? JSON.stringify(json) : form && new URLSearchParams(form)
    const request = {
      method,
      headers: headersOf(headers, json !== undefined),
      ...(body !== undefined && { body }),
      reads: isReadable,
    }
    return this.#read(await boundedFetch(this.#baseUrl + path, request, this.#limits))
  }

  #read(answer: BoundedAnswer): ApiAnswer {
    if (answer.kind !== 'answered') {
      const reason = answer.kind === 'unreachable' ? answer.reason : 'no answer in time'
      throw new GatewayAway('away', `the gateway cannot be reached: ${reason}`)
    }
    const { status, headers, body } = answer
    if (status === 401 || status === 403)
      throw new GatewayAway('refused', `the gateway answered ${status}: look at the credentials`)
    if (!isReadable(status)) {
      const holdMs = retryAfterMs(headers.get('retry-after'), this.#clock.nowMs())
      throw new GatewayAway('away', `the gateway answered ${status}`, holdMs)
    }
    if (body.fault !== null) throw new GatewayAway('away', `the gateway's answer ${body.fault}`)
    return { status, body: parseObject(Buffer.from(body.text)) }
  }
}

/** Whether an adapter judges answers of this status; the others are not for it. */
function isReadable(status: number): boolean {
  const isRedirection = status >= 300 && status < 400
  return status < 500 && !isRedirection && status !== 401 && status !== 403 && status !== 429
}

/** `/payments/..` is another question than the one that was meant, and there is no such payment: ids may be anybody's invention. */
const CLIMBING = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i

/** Built apart, because an error about a header's value quotes it. */
function headersOf(own: ApiRequest['headers'], hasJson: boolean): Headers {
  const type = hasJson ? { 'content-type': 'application/json' } : {}
  try {
    return new Headers({ accept: 'application/json', 'user-agent': 'Onceline', ...type, ...own })
  } catch {
    throw new GatewayAway('refused', 'a credential has characters that no header may have')
  }
}
