import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../../../test/support/gateway-deliveries.ts'
import { formOf } from '../../../../test/support/signed-content.ts'
import { anyStrange, contentFrom } from '../../../../test/support/strange-content.ts'
import { edited } from '../../../../test/support/strange-edits.ts'
import { STRANGE_NOW_MS, stylesOf } from '../../../../test/support/strange-styles.ts'
import { isPayout } from '../../../payments/fact.ts'
import type { GatewayEvent } from '../adapter.ts'
import type { EventInDoubt, GatewayApi } from '../confirm.ts'
import { isObject, parseObject } from '../kit/body.ts'
import { adapters } from '../registry.ts'

/**
 * No answer of a gateway's API makes its confirmer fail by itself: it says yes, no or not yet, or in words which answer it cannot use. The
 * answers are made of webhooks, whose form the APIs of Flutterwave v3, Midtrans and Tap share; to the others they are strange altogether.
 */
const STYLES = stylesOf([...adapters.keys()]).filter(({ gateway }) => adapters.get(gateway)?.confirm)
/** Twice as many as any content has: only even numbers change values as they stand. */
const FIELDS = 120
const RUNS = Number(process.env.ADAPTER_RUNS ?? 200)

describe.each(STYLES)('$name: strange answers', (style) => {
  const adapter = adapters.get(style.gateway) ?? expect.fail('no adapter')
  const doubts = style.contents.flatMap((content) => {
    const received = adapter.receive(style.sign(content) ?? style.genuine, style.account, STRANGE_NOW_MS)
    return received.kind === 'accepted' ? received.events.map((event) => ({ event, content })) : []
  })

  const expectWords = async (doubt: EventInDoubt, api: GatewayApi) => {
    try {
      const answer = await adapter.confirm?.ask(doubt, api)
      expect(['confirmed', 'denied', 'waiting']).toContain(answer?.kind)
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError || !(error instanceof Error)) throw error
    }
  }

  it.each(['{"toString":1,"valueOf":1}', '"\\ud800"'])(
    'with each field in turn as %s: never fail but in words',
    async (value) => {
      for (const { event, content } of doubts.slice(0, 4)) {
        for (let at = 0; at < FIELDS; at += 2) {
          const changed = edited(content, formOf(content), { how: 'replace', at, value })
          for (const depth of [0, 1, 2]) {
            const body = partOf(changed, depth)
            await expectWords(doubtOf(event, content), apiOf(style.account.settings, [{ status: 200, body }]))
          }
        }
      }
    },
  )

  it('never fail but in words', async () => {
    const statuses = fc.constantFrom(200, 200, 200, 201, 400, 404)
    const answers = fc.array(fc.tuple(statuses, anyStrange(), fc.nat(3)), { minLength: 3, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000), answers, async (of, strange) => {
        const { event, content } = doubts[of % doubts.length] ?? expect.fail('no event')
        const api = apiOf(
          style.account.settings,
          strange.map(([status, one, depth]) => ({
            status,
            body: partOf(contentFrom(one, style.contents), depth),
          })),
        )
        await expectWords(doubtOf(event, content), api)
      }),
      runs(RUNS),
    )
  })
})

function doubtOf({ eventId, type, fact }: GatewayEvent, body: Buffer): EventInDoubt {
  if (fact === null) return { eventId, type, body, fact: null }
  return isPayout(fact) ? { eventId, type, body, fact: null, payout: fact } : { eventId, type, body, fact }
}

/** Answers hold the object by itself, or somewhere within. */
function partOf(content: Buffer, depth: number) {
  let part = parseObject(content)
  for (let level = 0; level < depth; level += 1) {
    const inner = Object.values(part ?? {}).find(isObject)
    if (inner !== undefined) part = inner
  }
  return part
}

function apiOf(
  settings: GatewayApi['settings'],
  answers: readonly { status: number; body: ReturnType<typeof partOf> }[],
): GatewayApi {
  let calls = 0
  return {
    settings: new Proxy(settings, {
      get: (known, name) => known[String(name)] ?? (name === 'API_URL' ? undefined : 'x-1'),
    }),
    call: async () => answers[calls++ % answers.length] ?? { status: 404, body: null },
  }
}
