import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import type { OncelineClient } from '../client.ts'
import { type Fault, ScriptedServer } from './scripted-server.ts'
import { clientOf, closeClients, until } from './support.ts'

afterEach(closeClients)

const FAULTS: readonly Fault[] = ['fine', 'twice', 'lost', 'cut', 'cut_after']

/** What the application has seen or has a snapshot of, and whatever it should not have heard. */
function watch(client: OncelineClient) {
  const seen = { last: 0, wrong: [] as string[] }
  client.onAny((data, { event, seq }) => {
    if (event === 'feed:reset') {
      if ((data.head as number) < seen.last) seen.wrong.push(`reset to ${data.head} after ${seen.last}`)
      seen.last = data.head as number
    }
    if (seq === undefined) return
    if (seq !== seen.last + 1) seen.wrong.push(`${seq} after ${seen.last}`)
    if (data.n !== seq) seen.wrong.push(`${seq} is ${data.n}`)
    seen.last = seq
  })
  return seen
}

describe('whatever breaks', () => {
  it('the application hears 1 … n, in order and each once, and skips only what a reset stands for', async () => {
    const step = fc.record({
      faults: fc.array(fc.constantFrom(...FAULTS), { minLength: 1, maxLength: 25 }),
      messages: fc.integer({ min: 1, max: 12 }),
      cut: fc.boolean(),
      prune: fc.constantFrom(false, false, true),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const own = await ScriptedServer.start()
        const client = clientOf(own)
        const seen = watch(client)
        client.onError(() => undefined)
        client.connect()
        await client.opened()
        for (const { faults, messages, cut, prune } of steps) {
          own.faults = [...faults]
          for (let n = 0; n < messages; n += 1) own.append()
          if (cut) own.cutAll()
          if (prune) own.pruned = own.head
          await new Promise((resolve) => setTimeout(resolve, 3))
        }
        // What is lost at the very end shows no gap; the real server compares heads, this one has one more to say.
        own.faults = []
        const last = own.append()
        await until(() => seen.last === last, `${last} after ${seen.last}`)
        await client.close()
        await own.stop()
        expect(seen.wrong).toEqual([])
      }),
      propertyRuns(60),
    )
  })

  it('every command takes effect once, and every one is answered', async () => {
    const faults: readonly Fault[] = ['fine', 'twice', 'retry', 'cut', 'cut_after']
    const step = fc.record({
      faults: fc.array(fc.constantFrom(...faults), { minLength: 1, maxLength: 12 }),
      commands: fc.integer({ min: 1, max: 6 }),
      cut: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const own = await ScriptedServer.start()
        const client = clientOf(own)
        client.connect()
        const replies: Promise<unknown>[] = []
        for (const { faults, commands, cut } of steps) {
          own.faults = [...faults]
          for (let n = 0; n < commands; n += 1)
            replies.push(client.send('ride:cancel', { rideId: `ride-${n}` }))
          await new Promise((resolve) => setTimeout(resolve, 3))
          if (cut) own.cutAll()
        }
        own.faults = []
        const effects = await Promise.all(replies)
        await client.close()
        await own.stop()
        expect([...own.effects.values()]).toEqual(replies.map(() => 1))
        expect(new Set(effects.map((data) => (data as { effect: number }).effect)).size).toBe(replies.length)
      }),
      propertyRuns(60),
    )
  })
})
