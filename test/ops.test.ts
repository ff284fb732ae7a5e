import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../src/app.ts'
import { openApp, type TestApp } from './support/app.ts'
import { eventRow } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, Processing, store } from './support/processing.ts'

describe('an installation that is well', () => {
  let database: TestDatabase
  let app: TestApp
  let here: Processing

  beforeAll(async () => {
    database = await testDatabase('ops')
    here = new Processing(database)
    app = await openApp(database, { working: false, maxAttempts: 1 })
  })
  afterAll(async () => {
    await app?.stop()
    await here?.close()
    await database?.drop()
  })

  it('is alive', async () => {
    const response = await fetch(`${app.url}/health`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      status: 'alive',
      version: VERSION,
      uptimeSeconds: expect.any(Number),
    })
  })

  it('is ready, and says so of every dependency', async () => {
    const response = await fetch(`${app.url}/ready`)
    const well = { status: 'ok', reasons: [], latencyMs: expect.any(Number) }
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      status: 'ready',
      dependencies: { mysql: well, redis: well, process: well },
    })
  })

  it('asks its dependencies once a second, however often it is asked', async () => {
    const ask = async (): Promise<string> => (await fetch(`${app.url}/ready`)).text()
    const startedMs = performance.now()
    const answers = await Promise.all(Array.from({ length: 200 }, ask))
    const wholeSeconds = Math.floor((performance.now() - startedMs) / 1_000)
    // Each look has its own latencies; a second ends at most once more than whole ones pass.
    expect(new Set(answers).size).toBeLessThanOrEqual(2 + wholeSeconds)
  })

  describe('its metrics', () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)?.address

    async function ask(headers: Record<string, string>, base = app.url): Promise<number> {
      const response = await fetch(`${base}/metrics`, { headers })
      await response.text()
      return response.status
    }

    it.each(['x-forwarded-for', 'forwarded', 'x-real-ip'])(
      'are refused through a proxy (%s), unless with the key',
      async (name) => {
        const proxied = { [name]: '127.0.0.1' }
        const refused = await fetch(`${app.url}/metrics`, { headers: proxied })
        expect(refused.status).toBe(401)
        expect(refused.headers.get('content-type')).toBe('application/problem+json')
        expect(await refused.json()).toMatchObject({
          code: 'api_key_required',
          type: 'urn:onceline:problem:api_key_required',
          requestId: expect.stringMatching(/./),
        })
        for (const wrong of ['', 'x', `${app.internalKey}x`, app.internalKey.slice(1)])
          expect(await ask({ ...proxied, 'x-api-key': wrong })).toBe(401)
        expect(await ask({ ...proxied, 'x-api-key': app.internalKey })).toBe(200)
      },
    )

    it('are refused from this machine too where a key is always needed, as behind a proxy on it', async () => {
      const strict = await openApp(database, { working: false, metricsNeedKey: true })
      expect(await ask({}, strict.url)).toBe(401)
      expect(await ask({ 'x-api-key': strict.internalKey }, strict.url)).toBe(200)
      await strict.stop()
    })

    it('are refused from another address, unless with the key', async (context) => {
      if (outside === undefined) return context.skip()
      const elsewhere = await openApp(database, { working: false })
      const port = await listenEverywhere(elsewhere)
      expect(await ask({}, `http://${outside}:${port}`)).toBe(401)
      expect(await ask({ 'x-api-key': elsewhere.internalKey }, `http://${outside}:${port}`)).toBe(200)
      expect(await ask({}, `http://127.0.0.1:${port}`)).toBe(200)
      await elsewhere.stop()
    })

    it('count deliveries by verdict, the secret that matched, and the time to an answer', async () => {
      const delivery = app.delivery('kashier', { merchantRef: 'trip-1' })
      for (let count = 0; count < 3; count += 1) await app.post(delivery)
      await app.post({ ...delivery, body: Buffer.from('{}') })
      expect(await app.metrics('onceline_webhook_deliveries_total')).toEqual([
        'onceline_webhook_deliveries_total{gateway="kashier",verdict="stored"} 1',
        'onceline_webhook_deliveries_total{gateway="kashier",verdict="duplicate"} 2',
        'onceline_webhook_deliveries_total{gateway="kashier",verdict="signature_invalid"} 1',
      ])
      expect(await app.metrics('onceline_webhook_secret_matched_total{')).toEqual([
        'onceline_webhook_secret_matched_total{gateway="kashier",account="default",secret="1"} 3',
      ])
      expect(await app.metrics('onceline_webhook_ack_seconds_count')).toEqual([
        'onceline_webhook_ack_seconds_count{gateway="kashier"} 3',
      ])
      expect(await app.metrics('onceline_webhook_commit_batch_size_count')).toEqual([
        'onceline_webhook_commit_batch_size_count 3',
      ])
      expect(await app.metrics('process_cpu_seconds_total')).toHaveLength(1)
    })

    it('tell of the backlog, its age, and what failed', async () => {
      await database.pool.query('DELETE FROM webhook_events')
      const [waiting, poison, unknown] = [
        eventOf(),
        eventOf({ merchantRef: 'm' }),
        eventOf({ merchantRef: 'n' }),
      ]
      await store(here.pool, waiting, poison, unknown)
      await here.processor.process([unknown.id])
      await database.pool.query("UPDATE webhook_events SET fact_kind = 'nonsense' WHERE id = ?", [poison.id])
      await database.pool.query(
        `UPDATE webhook_events SET received_at = UTC_TIMESTAMP(3) - INTERVAL 300 SECOND, next_at = '2100-01-01'
         WHERE id = ?`,
        [waiting.id],
      )
      await here.register(expected({ merchantRef: 'm' }))
      app.app.work()
      // The worker of this app takes the poison event when the sweeper rings, and it is dead at its first failure.
      await database.pool.query('UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) WHERE id = ?', [
        poison.id,
      ])
      await expect.poll(async () => (await eventRow(here.pool, poison)).state, POLL).toBe('dead')
      expect(await app.metrics('onceline_webhook_event_failures_total{')).toEqual([
        'onceline_webhook_event_failures_total{kind="dead"} 1',
      ])
      await expect
        .poll(async () => (await app.metrics('onceline_webhook_events_open{')).map(lastWord), POLL)
        .toEqual(['received 1', 'paused 0', 'parked 1', 'unconfirmed 0', 'quarantined 0', 'dead 1'])
      const [oldest] = await app.metrics('onceline_webhook_oldest_unfinished_seconds')
      expect(Number(oldest?.split(' ')[1])).toBeGreaterThanOrEqual(300)
      expect(Number(oldest?.split(' ')[1])).toBeLessThan(330)
    })
  })
})

/** The backlog is read every five seconds. */
const POLL = { timeout: 10_000, interval: 50 }

/** `onceline_webhook_events_open{state="received"} 1` → `received 1`. */
function lastWord(line: string): string {
  return line.replace(/.*state="(\w+)".*\} /, '$1 ')
}

async function listenEverywhere({ app }: TestApp): Promise<number> {
  await new Promise((resolve) => app.server.close(resolve))
  return app.listen(0, '0.0.0.0')
}
