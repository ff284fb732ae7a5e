import { assert } from '../../base/assert.ts'
import { CircuitBreaker, type CircuitShape, type Health, type Permit } from '../../base/circuit.ts'
import type { Clock } from '../../base/clock.ts'
import { type FetchLimits, readBounded } from '../fetch-text.ts'
import type { GatewayAccount } from '../gateways/adapter.ts'
import type { ApiAnswer, ApiRequest, GatewayApi } from '../gateways/confirm.ts'
import { parseObject } from '../gateways/kit/body.ts'

/**
 * Why a gateway could not be asked. away: no answer, 429 or 5xx. refused: 401 or 403, our credentials. resting: it was away too
 * often, and is left alone for a while.
 */
export class GatewayAway extends Error {
  override readonly name = 'GatewayAway'
  readonly kind: 'away' | 'refused' | 'resting'

  constructor(kind: GatewayAway['kind'], message: string) {
    super(message)
    this.kind = kind
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

/** One account's way to its gateway's API: bounded calls behind a circuit breaker. */
export class AccountApi implements GatewayApi {
  readonly settings: GatewayAccount['settings']
  readonly #baseUrl: string
  readonly #limits: FetchLimits
  readonly #breaker: CircuitBreaker

  /** `apiUrl` is the production address; the setting API_URL takes its place. */
  constructor(account: GatewayAccount, apiUrl: string, clock: Clock, limits = LIMITS) {
    this.#limits = limits
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
    const [permit] = this.#breaker.admit(1)
    if (permit === undefined)
      throw new GatewayAway('resting', 'the gateway was away too often; it is left alone for a while')
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
    const away = error instanceof GatewayAway ? error.kind : null
    const health: Health = away === 'away' ? 'ill' : away === 'refused' ? 'erring' : 'unknown'
    this.#breaker.hear(permit, health)
  }

  async #send(request: ApiRequest): Promise<ApiAnswer> {
    const response = await this.#fetch(request)
    const { status } = response
    const trouble = troubleOf(status)
    if (trouble !== null) {
      // A body that nobody reads keeps its connection.
      await response.body?.cancel().catch(() => undefined)
      throw trouble
    }
    const text = await readBounded(response, this.#limits.maxBytes).catch((error: unknown) => {
      throw new GatewayAway('away', `the gateway's answer broke off: ${reasonOf(error)}`)
    })
    return { status, body: parseObject(Buffer.from(text)) }
  }

  async #fetch(request: ApiRequest): Promise<Response> {
    const { method, path, json, form } = request
    const headers = headersOf(request)
    const body =
      json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form) : null
    try {
      return await fetch(this.#baseUrl + path, {
        method,
        headers,
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(this.#limits.timeoutMs),
      })
    } catch (error) {
      throw new GatewayAway('away', `the gateway cannot be reached: ${reasonOf(error)}`)
    }
  }
}

/** `/payments/..` is another question than the one that was meant, and there is no such payment: ids may be anybody's invention. */
const CLIMBING = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i

function troubleOf(status: number): GatewayAway | null {
  if (status === 401 || status === 403)
    return new GatewayAway('refused', `the gateway answered ${status}: look at the credentials`)
  return status === 429 || status >= 500 ? new GatewayAway('away', `the gateway answered ${status}`) : null
}

/** Built apart, because an error about a header's value quotes it. */
function headersOf({ headers, json }: ApiRequest): Headers {
  const type = json === undefined ? {} : { 'content-type': 'application/json' }
  try {
    return new Headers({ accept: 'application/json', 'user-agent': 'Onceline', ...type, ...headers })
  } catch {
    throw new GatewayAway('refused', 'a credential has characters that no header may have')
  }
}

/** Addresses and time-outs, and no request: its headers hold credentials, and its path may. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return 'unknown'
  // Where a host has several addresses, the error of all of them has no words.
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name
}
