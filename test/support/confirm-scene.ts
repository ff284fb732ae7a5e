import { systemClock } from '../../src/base/clock.ts'
import type { PaymentFact } from '../../src/payments/fact.ts'
import { type AskedAccount, confirmableAccounts } from '../../src/webhooks/asking/asked-accounts.ts'
import { type AskOutcome, Confirmations } from '../../src/webhooks/asking/confirmations.ts'
import type { NewEvent } from '../../src/webhooks/event.ts'
import type { GatewayAdapter } from '../../src/webhooks/gateways/adapter.ts'
import type { Confirmer } from '../../src/webhooks/gateways/confirm.ts'
import { FakeGatewayApi } from './gateway-apis.ts'
import { eventOf, expected, GATEWAY, type Processing, store } from './processing.ts'

/** Asks `GET /payments/<operationRef>`, as most APIs are asked. */
const confirmer: Confirmer = {
  apiUrl: 'https://api.testpay.example',
  ask: async ({ eventId, fact }, api) => {
    const path = `/payments/${encodeURIComponent(fact?.operationRef ?? eventId)}`
    const { status, body } = await api.call({
      method: 'GET',
      path,
      headers: { authorization: `${api.settings.API_KEY}` },
    })
    if (status === 404 || body === null) return { kind: 'denied', reason: 'payment_unknown' }
    if (body.status === 'pending') return { kind: 'waiting' }
    const amountMinor = BigInt(String(body.amount))
    return { kind: 'confirmed', fact: { ...(body.fact as PaymentFact), amountMinor } }
  },
}

const adapter: GatewayAdapter = {
  name: GATEWAY,
  about: { title: 'Testpay', source: '', signature: '', eventId: '' },
  tier: 'C',
  confirmFirst: true,
  secretForm: 'text',
  settings: [{ name: 'API_KEY', meaning: 'of the API', needed: 'confirm' }],
  confirm: confirmer,
  receive: () => ({ kind: 'refused', code: 'malformed_body', detail: 'this gateway reads nothing' }),
}

function accountsWith(settings: Record<string, string>): ReadonlyMap<string, AskedAccount<Confirmer>> {
  const account = { gateway: GATEWAY, account: 'default', secrets: ['s'], settings }
  const book = new Map([[GATEWAY, new Map([['default', account]])]])
  return confirmableAccounts(new Map([[GATEWAY, adapter]]), book, systemClock)
}

export interface Desk {
  readonly confirmations: Confirmations
  readonly outcomes: AskOutcome[]
}

/** A gateway whose word must be confirmed, its API on loopback, and those who ask it. */
export class ConfirmScene {
  readonly here: Processing
  readonly gateway: FakeGatewayApi

  private constructor(here: Processing, gateway: FakeGatewayApi) {
    this.here = here
    this.gateway = gateway
  }

  static async open(here: Processing): Promise<ConfirmScene> {
    return new ConfirmScene(here, await new FakeGatewayApi().open())
  }

  /** One process that asks, with credentials unless told otherwise. */
  desk(settings: Record<string, string> = { API_KEY: 'key-1' }, pool = this.here.pool): Desk {
    const outcomes: AskOutcome[] = []
    const confirmations = new Confirmations({
      pool,
      log: this.here.log,
      commit: this.here.commit,
      accounts: accountsWith({ API_URL: this.gateway.url, ...settings }),
      ring: (ids) => void this.here.rung.push(...ids),
      adoptEveryMs: 0,
      onAsked: (_, outcome) => void outcomes.push(outcome),
    })
    return { confirmations, outcomes }
  }

  /** A stored event of an expected payment, which nobody has confirmed. */
  async doubted(): Promise<{ event: NewEvent; merchantRef: string }> {
    const payment = expected()
    await this.here.register(payment)
    const event = eventOf({ merchantRef: payment.merchantRef, confirmFirst: true })
    await store(this.here.pool, event)
    return { event, merchantRef: payment.merchantRef }
  }

  /** One turn of asking, and whatever it rang for. */
  async settle({ confirmations }: Desk = this.desk()): Promise<void> {
    await confirmations.runOnce()
    await this.here.drain()
  }

  /** Lets the event's time come now. */
  comeDue(event: NewEvent): Promise<unknown> {
    return this.here.pool.query('UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) WHERE id = ?', [
      event.id,
    ])
  }
}

/** What the API says of this event: the same, unless told otherwise. */
export function says(event: NewEvent, change: Partial<PaymentFact> = {}) {
  const { amountMinor, ...fact } = { ...event.fact, ...change } as PaymentFact
  return { json: { status: 'paid', amount: String(amountMinor), fact } }
}
