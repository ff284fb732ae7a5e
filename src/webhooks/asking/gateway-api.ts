import { CircuitBreaker, type CircuitShape, type Health, type Permit } from '../../base/circuit.ts'
import type { Clock } from '../../base/clock.ts'
import { readBounded } from '../fetch-text.ts'
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
const MAX_BYTES = 1024 * 1024
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
  readonly #breaker: CircuitBreaker

  /** `apiUrl` is the production address; the setting API_URL takes its place. */
  constructor(account: GatewayAccount, apiUrl: string, clock: Clock) {
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
    if (status === 401 || status === 403)
      throw new GatewayAway('refused', `the gateway answered ${status}: look at the credentials`)
    if (status === 429 || status >= 500) throw new GatewayAway('away', `the gateway answered ${status}`)
    const text = await readBounded(response, MAX_BYTES).catch((error: unknown) => {
      throw new GatewayAway('away', `the gateway's answer broke off: ${reasonOf(error)}`)
    })
    return { status, body: parseObject(Buffer.from(text)) }
  }

  async #fetch({ method, path, headers = {}, json, form }: ApiRequest): Promise<Response> {
    const body =
      json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form) : null
    const type = json === undefined ? {} : { 'content-type': 'application/json' }
    try {
      return await fetch(this.#baseUrl + path, {
        method,
        headers: { accept: 'application/json', 'user-agent': 'Onceline', ...type, ...headers },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (error) {
      throw new GatewayAway('away', `the gateway cannot be reached: ${reasonOf(error)}`)
    }
  }
}

/** Addresses and time-outs, and no request: its headers hold credentials. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
