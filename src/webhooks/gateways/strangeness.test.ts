import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyEnvelope } from '../../../test/support/gateway-deliveries.ts'
import { formOf } from '../../../test/support/signed-content.ts'
import { anyBody, anyStrange, contentFrom } from '../../../test/support/strange-content.ts'
import { edited } from '../../../test/support/strange-edits.ts'
import { STRANGE_NOW_MS, type Style, stylesOf } from '../../../test/support/strange-styles.ts'
import { isCurrency, withinBounds } from '../../base/money.ts'
import { maySettle, newEvent } from '../event.ts'
import type { Delivery, GatewayEvent, Received } from './adapter.ts'
import { isIdentifier, storableDate } from './kit/body.ts'
import { adapters } from './registry.ts'

/**
 * No input makes an adapter throw anything, or say anything but what its contract allows. Of every five deliveries four have a
 * strange content under a right signature, as only its owner could send it: they reach what reads facts. The fifth has a strange
 * content, header or query under the genuine signature.
 */
const STYLES = stylesOf([...adapters.keys()])
/** Of each way of each gateway; by hand ADAPTER_RUNS asks for more. */
const RUNS = Number(process.env.ADAPTER_RUNS ?? 500)
const SIGNED_RUNS = Math.ceil((RUNS * 4) / 5)
/** More than any of the contents has; an even number changes a value, an odd one what is inside it where it is JSON itself. */
const FIELDS = 40
/** The one tells of no payment; of the other's body, an id, hardly any change leaves one: two of four hundred, and sometimes none. */
const WITHOUT_FACTS: ReadonlySet<string> = new Set(['adyen platform', 'mollie classic'])
const isByHand = process.env.ADAPTER_RUNS !== undefined

describe.each(STYLES)('$name: strange deliveries', (style) => {
  const adapter = adapters.get(style.gateway) ?? expect.fail('no adapter')
  const receive = (delivery: Delivery) => adapter.receive(delivery, style.account, STRANGE_NOW_MS)

  it('under a right signature: it never throws, and says nothing that cannot be kept', () => {
    const counts = { runs: 0, signed: 0, accepted: 0, facts: 0, held: 0 }
    play(style, SIGNED_RUNS, anyStrange(), (strange) => {
      const content = contentFrom(strange, style.contents, style.canSign)
      const signed = style.sign(content)
      const result = receive(signed ?? { ...style.genuine, body: content })
      expectNoFault(result, style)
      const events = result.kind === 'accepted' ? result.events : []
      counts.runs += 1
      counts.signed += signed === null ? 0 : 1
      counts.accepted += result.kind === 'accepted' ? 1 : 0
      counts.facts += events.some(({ fact, isHint }) => fact !== null || isHint) ? 1 : 0
      counts.held += events.some(({ hold }) => hold !== null) ? 1 : 0
    })
    if (isByHand) process.stdout.write(`${style.name}: ${JSON.stringify(counts)}\n`)
    // Otherwise the readers of facts would not be tried.
    expect(counts.signed, 'half of all runs are signed').toBeGreaterThanOrEqual(RUNS / 2)
    expect(counts.facts, 'some of them tell facts').toBeGreaterThan(WITHOUT_FACTS.has(style.name) ? -1 : 0)
  })

  it.each(['{"toString":1,"valueOf":1}', '"\\ud800"'])(
    'with each field in turn as %s: it never throws',
    (value) => {
      for (const content of style.contents.slice(0, 4)) {
        for (let at = 0; at < FIELDS * 2; at += 1) {
          const changed = edited(content, formOf(content), { how: 'replace', at, value })
          expectNoFault(receive(style.sign(changed) ?? { ...style.genuine, body: changed }), style)
        }
      }
    },
  )

  it('under a wrong one, or with strange headers and queries: it never throws, and takes nothing else', () => {
    const genuine = receive(style.genuine)
    const known = genuine.kind === 'accepted' ? genuine.events : []
    const strange = fc.tuple(
      fc.oneof(anyBody(style.genuine.body), fc.constant(style.genuine.body)),
      anyEnvelope(style.genuine),
    )
    play(style, RUNS - SIGNED_RUNS, strange, ([body, envelope]) => {
      const result = receive(envelope({ ...style.genuine, body }))
      expectNoFault(result, style)
      if (result.kind !== 'accepted') return
      for (const event of result.events) {
        // An equal amount of one payment: nothing else is told by the signature that was seen.
        if (maySettle(adapter, event)) expect(known.map(({ fact }) => fact)).toContainEqual(event.fact)
      }
    })
  })
})

/** Says the seed, and with a failure the content that led to it. */
function play<T>(style: Style, numRuns: number, strange: fc.Arbitrary<T>, check: (value: T) => void): void {
  const seed = Number(process.env.FC_SEED ?? Math.trunc(Math.random() * 2 ** 31))
  if (isByHand) process.stdout.write(`${style.name}: ${numRuns} runs, FC_SEED=${seed}\n`)
  fc.assert(fc.property(strange, check), { numRuns, seed })
}

function expectNoFault(result: Received, style: Style): void {
  const [fault] = faultsOf(result, style)
  if (fault !== undefined) throw new Error(fault)
}

/** What is wrong with a result; the property runs too often for an assertion on each part. */
function* faultsOf(result: Received, { gateway, account }: Style): Generator<string> {
  if (result.kind === 'refused') {
    if (!/^[\x20-\x7e…]{5,200}$/.test(result.detail)) yield `detail: ${result.detail}`
  } else if (result.kind !== 'accepted') {
    if (!URL.canParse(result.url)) yield `url: ${result.url}`
  } else {
    if (result.secretIndex !== 0) yield 'secretIndex'
    const adapter = adapters.get(gateway) ?? expect.fail('no adapter')
    for (const event of result.events) {
      yield* faultsOfEvent(event)
      const context = { gateway, account: account.account, requestId: 'r-1', signature: '', delivery: EMPTY }
      if (newEvent(adapter, event, context).eventKey.length !== 32) yield 'eventKey'
    }
  }
}

const EMPTY: Delivery = { body: Buffer.alloc(0), headers: {}, query: new URLSearchParams() }

/** What the database and those after it would not take, in the words of GatewayEvent and PaymentFact. */
function* faultsOfEvent({
  eventId,
  type,
  gatewayEventId,
  occurredAt,
  fact,
}: GatewayEvent): Generator<string> {
  if (!isIdentifier(eventId)) yield `eventId: ${eventId}`
  if (!isIdentifier(type)) yield `type: ${type}`
  if (gatewayEventId !== undefined && !isIdentifier(gatewayEventId)) yield `gatewayEventId: ${gatewayEventId}`
  if (occurredAt !== null && storableDate(occurredAt.getTime()) === null) yield `occurredAt: ${occurredAt}`
  if (fact === null) return
  const { kind, merchantRef, gatewayRef, operationRef, amountMinor, currency } = fact
  // A payout is between the gateway and our bank: it belongs to no payment.
  if (merchantRef === null && gatewayRef === null && !kind.startsWith('payout_')) yield 'no reference'
  for (const ref of [merchantRef, gatewayRef, operationRef])
    if (ref !== null && !isIdentifier(ref)) yield `ref: ${ref}`
  if ((amountMinor === null) !== (currency === null)) yield 'amount without currency, or the other way round'
  if (amountMinor === null) return
  if (typeof amountMinor !== 'bigint' || amountMinor <= 0n || withinBounds(amountMinor) === null)
    yield `amount: ${amountMinor}`
  if (!isCurrency(currency)) yield `currency: ${currency}`
}
