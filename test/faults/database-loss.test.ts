import { describe, expect, it } from 'vitest'
import { STORIES, TIMEOUT_MS, useLossScene } from './loss-scene.ts'
import type { Story } from './story.ts'

/** What a gateway is promised. */
const ANSWER_WITHIN_MS = 2_000
/** Refused at once; many more would measure how fast this process can send on a busy machine. */
const KNOCKING_STORIES = 16

/** Stories whose deliveries were refused: their gateways will tell them again. */
const refused: Story[] = []
const scene = useLossScene('database-loss', () => refused.pop())

describe('with the database away', { timeout: TIMEOUT_MS }, () => {
  it('frozen: every delivery is answered 503 in time and none is acknowledged; then all goes on', async () => {
    await scene.playSome()
    scene.host.freezeMysql()
    try {
      // The first wave finds connections that never answer, the second one has to make new ones.
      await knock('frozen-1')
      await knock('frozen-2')
    } finally {
      scene.host.thawMysql()
    }
    await playRefused()
  })

  it('killed: every delivery is answered 503; what was acknowledged before is there and is processed after', async () => {
    void scene.writers.begin()
    await scene.writers.write(STORIES)
    await scene.host.killMysql()
    await knock('killed-1')
    await knock('killed-2')
    await scene.host.reviveMysql()
    await playRefused()
  })
})

/** Every delivery of some new stories at once; they are played in earnest when the database is back. */
async function knock(name: string): Promise<void> {
  const stories = Array.from({ length: KNOCKING_STORIES }, (_, serial) => scene.invent(`${name}-${serial}`))
  refused.push(...stories)
  const deliveries = stories.flatMap(({ tellings }) => tellings.map(({ delivery }) => delivery))
  const answers = await Promise.all(
    deliveries.map(async ({ path, headers, body }, index) => {
      const startedMs = performance.now()
      const url = `http://127.0.0.1:${scene.nodes[index % scene.nodes.length]?.port}${path}`
      const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
      await response.text()
      const durationMs = performance.now() - startedMs
      const waits = Number(response.headers.get('retry-after')) > 0
      return { status: response.status, waits, lateMs: durationMs > ANSWER_WITHIN_MS ? durationMs : 0 }
    }),
  )
  const wrong = answers.filter(({ status, waits, lateMs }) => status !== 503 || !waits || lateMs > 0)
  expect(answers.length).toBeGreaterThanOrEqual(KNOCKING_STORIES)
  expect(wrong).toEqual([])
}

/** Every story that was refused is among the next ones. */
function playRefused(): Promise<void> {
  return scene.playSome(refused.length + STORIES)
}
