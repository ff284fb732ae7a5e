import { expect } from 'vitest'
import { maySettle } from '../../src/webhooks/event.ts'
import type { Delivery, GatewayAccount, GatewayEvent, Received } from '../../src/webhooks/gateways/adapter.ts'
import { adapters } from '../../src/webhooks/gateways/registry.ts'
import type { SampleSpec } from '../../src/webhooks/gateways/samples/sample.ts'
import { buildDelivery, newSecret, samples } from '../../src/webhooks/gateways/samples/samples.ts'
import { sampleAccount, signingWith } from './gateway-accounts.ts'
import { received, resigned } from './gateway-deliveries.ts'

const NOW_MS = 1_790_000_000_000

/** One account of a gateway, and what may be sent to it. */
export class Target {
  readonly gateway: string
  readonly secret: string
  readonly account: GatewayAccount
  readonly spec: SampleSpec

  constructor(gateway: string, change: Partial<SampleSpec> = {}, settings: GatewayAccount['settings'] = {}) {
    this.gateway = gateway
    this.secret = newSecret(gateway)
    const account = sampleAccount(gateway, this.secret)
    this.account = { ...account, settings: { ...account.settings, ...settings } }
    const sample = samples.get(gateway) ?? expect.fail('no sample')
    this.spec = {
      kind: 'captured',
      merchantRef: 'trip-1',
      operationRef: '1000001',
      amountMinor: 12_345n,
      currency: sample.currency,
      nowMs: NOW_MS,
      ...signingWith(gateway, this.secret),
      settings: this.account.settings,
      ...change,
    }
  }

  /** As the gateway sends it. */
  genuine(change: Partial<SampleSpec> = {}): Delivery {
    return received(buildDelivery(this.gateway, { ...this.spec, ...change }))
  }

  /** The genuine body after `edit`, under the signature of the one before. */
  forged(edit: (body: Loose) => void): Delivery {
    const genuine = this.genuine()
    return { ...genuine, body: edited(genuine.body, edit) }
  }

  /** The same, signed by the gateway itself. */
  signedAnew(edit: (body: Loose) => void): Delivery {
    const built = buildDelivery(this.gateway, this.spec)
    return resigned(this.gateway, built, edited(built.body, edit), this.spec)
  }

  receive(delivery: Delivery, account = this.account, nowMs = NOW_MS): Received {
    const adapter = adapters.get(this.gateway) ?? expect.fail('no adapter')
    return adapter.receive(delivery, account, nowMs)
  }

  /** Throws where it was refused. */
  events(delivery: Delivery): readonly GatewayEvent[] {
    const result = this.receive(delivery)
    if (result.kind !== 'accepted') throw new Error(JSON.stringify(result))
    return result.events
  }

  /** What of it would be booked without asking anybody; nothing of what is refused. */
  settles(delivery: Delivery): readonly GatewayEvent[] {
    const adapter = adapters.get(this.gateway) ?? expect.fail('no adapter')
    const result = this.receive(delivery)
    return result.kind === 'accepted' ? result.events.filter((event) => maySettle(adapter, event)) : []
  }
}

/** A body that an attacker may change as he likes. */
// biome-ignore lint/suspicious/noExplicitAny: attackers know no types
export type Loose = any

function edited(bytes: Buffer, edit: (body: Loose) => void): Buffer {
  const body: Loose = JSON.parse(bytes.toString())
  edit(body)
  return Buffer.from(JSON.stringify(body))
}

/** The delivery with these headers. */
export function withHeaders(
  delivery: Delivery,
  headers: Readonly<Record<string, string | undefined>>,
): Delivery {
  return { ...delivery, headers: { ...delivery.headers, ...headers } }
}
