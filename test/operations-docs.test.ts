import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const namesIn = (text: string) => [...text.matchAll(/\bonceline_[a-z_]+/g)].map(([name]) => name)
/** The table alone: other parts of the page name a metric again. */
const table = (/## Metrics and alarms\n(.*?)\n## /s.exec(read('docs/operations.md'))?.[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split(' | ')[0] ?? '')
  .flatMap(namesIn)

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('operations-docs')
  app = await openApp(database, {
    callbacks: true,
    laravel: { url: 'http://127.0.0.1:1', apiKey: 'a-key-of-nobody' },
    bridge: { prefix: '', currency: 'EGP' },
    working: false,
  })
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

it('every metric has its row in the documentation, and every row its metric', async () => {
  const own = (await app.metrics('# TYPE onceline_')).map((line) => line.split(' ')[2])
  // Those of a cluster are the primary's, which has no registry.
  const ofCluster = namesIn(read('src/cluster/metrics.ts')).filter((name) => name !== 'onceline_cluster_')
  expect(own.length).toBeGreaterThan(60)
  expect([...new Set(table)].sort()).toEqual([...new Set([...own, ...ofCluster])].sort())
  expect(table).toHaveLength(new Set(table).size)
})
