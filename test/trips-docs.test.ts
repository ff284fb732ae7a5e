import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { codeBlocks, curl, isAsSaid, readCommands } from './support/shell-lines.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../docs/trips.md'), 'utf8')
const [tryIt = ''] = codeBlocks(DOCUMENT, 'sh')

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('trips-docs')
  app = await openApp(database)
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

it('the lines to paste of docs/trips.md answer as they say', async () => {
  const variables = new Map([['INTERNAL_API_KEY', app.internalKey]])
  const commands = readCommands(tryIt.replaceAll('http://127.0.0.1:3000', app.url), variables)
  expect(commands).toHaveLength(5)
  for (const { words, said } of commands) {
    const lines = await curl(words)
    expect(said).not.toEqual([])
    for (const one of said) expect(lines, one).toSatisfy(() => lines.some((line) => isAsSaid(line, one)))
  }
})
