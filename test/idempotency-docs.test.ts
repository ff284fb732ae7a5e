import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { codeBlocks, curl, isAsSaid, readCommands } from './support/shell-lines.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../docs/idempotency.md'), 'utf8')
const [tryIt, held, free] = codeBlocks(DOCUMENT, 'sh')
const [hold] = codeBlocks(DOCUMENT, 'sql')
const START_ADDRESS = 'http://127.0.0.1:3000'
/** What the document has to mention wherever an answer has it. */
const TELLING_HEADERS = ['idempotent-replayed', 'retry-after', 'location']

let database: TestDatabase
let app: TestApp
/** The shell into which all is pasted. */
let variables: Map<string, string>

beforeAll(async () => {
  database = await testDatabase('idempotency-docs')
  app = await openApp(database)
  variables = new Map([['INTERNAL_API_KEY', app.internalKey]])
})

afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

/** Pastes a block and compares every answer with what is said below its command. Returns the answers' status lines. */
async function paste(block = ''): Promise<(string | undefined)[]> {
  const statuses: (string | undefined)[] = []
  for (const { words, said } of readCommands(block.replaceAll(START_ADDRESS, app.url), variables)) {
    const lines = await curl(words)
    const unsaid = lines.filter((line) => TELLING_HEADERS.some((name) => line.startsWith(`${name}:`)))
    expect(said, words.join(' ')).not.toEqual([])
    for (const one of said) expect(lines, one).toSatisfy(() => lines.some((line) => isAsSaid(line, one)))
    for (const line of unsaid) expect(said, line).toSatisfy(() => said.some((one) => isAsSaid(line, one)))
    statuses.push(lines[0])
  }
  return statuses
}

async function paymentsOf(merchantRef: string): Promise<number> {
  const [rows] = await database.pool.query('SELECT COUNT(*) AS n FROM payments WHERE merchant_ref = ?', [
    merchantRef,
  ])
  return Number((rows as unknown as { n: string }[])[0]?.n)
}

describe('the lines to paste of docs/idempotency.md', () => {
  it('answer as they say: done, replayed, other content, no key', async () => {
    expect(await paste(tryIt)).toEqual([
      'HTTP/1.1 201 Created',
      'HTTP/1.1 201 Created',
      'HTTP/1.1 422 Unprocessable Entity',
      'HTTP/1.1 400 Bad Request',
    ])
    expect(await paymentsOf('TRIP-2001')).toBe(1)
  })

  it('answer as they say: in flight while another transaction holds the key, done when it is gone', async () => {
    const slow = await database.pool.getConnection()
    try {
      for (const statement of (hold ?? '').split(/;$/m).filter((text) => text.trim() !== ''))
        await slow.query(statement)
      expect(await paste(held)).toEqual(['HTTP/1.1 409 Conflict'])
      expect(await paymentsOf('TRIP-2002')).toBe(0)
    } finally {
      await slow.query('ROLLBACK')
      slow.release()
    }
    expect(await paste(free)).toEqual(['HTTP/1.1 201 Created'])
    expect(await paymentsOf('TRIP-2002')).toBe(1)
  })
})
