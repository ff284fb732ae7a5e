import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { envOf, onceline, oncelineJson } from './support/cli.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

const TIMEOUT_MS = 60_000
const EXAMPLE = join(import.meta.dirname, '../docs/dispatch-rules.example.json')
const folder = mkdtempSync(join(tmpdir(), 'dispatch-rules-'))
const file = join(folder, 'rules.json')
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('dispatch-rules')
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await database?.drop()
})

const envWith = (path: string) => ({ ...envOf(database), DISPATCH_RULES_FILE: path })

it('the doctor says what the rules come to, and the service does not start with wrong ones', {
  timeout: TIMEOUT_MS,
}, async () => {
  const doctor = async (path: string) => {
    const { code, json } = await oncelineJson(envWith(path), 'doctor')
    return { code, rules: json.checks.filter(({ name }: { name: string }) => name === 'dispatch rules') }
  }
  const detail = `${EXAMPLE}: cairo batch (motorcycle nearest), giza broadcast, 5f0c0f0e-6a3e-4b52-9d3b-0d7a4a0c1f55 bidding, broadcast elsewhere`
  expect(await doctor(EXAMPLE)).toMatchObject({ code: 0, rules: [{ status: 'ok', detail }] })
  expect(await doctor('')).toMatchObject({ rules: [{ status: 'ok', detail: 'broadcast everywhere' }] })
  writeFileSync(file, '{"zones": {"cairo": {"offerSeconds": 1}, "giza": {"polcy": "batch"}}}')
  expect(await doctor(file)).toMatchObject({
    code: 1,
    rules: [
      { status: 'wrong', detail: expect.stringMatching(/zones\.cairo\.offerSeconds must be/) },
      { status: 'wrong', detail: expect.stringMatching(/zones\.giza\.polcy is unknown/) },
    ],
  })
  const refused = await onceline(envWith(file), 'serve')
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain(
    'DISPATCH_RULES_FILE: zones.cairo.offerSeconds must be a whole number from 3 to 600',
  )
  const missing = await onceline(envWith(join(folder, 'none.json')), 'serve')
  expect(missing).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('DISPATCH_RULES_FILE cannot be read: ENOENT'),
  })
})
