import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram } from '../src/cli/program.ts'
import { type CliEnv, envOf, onceline, oncelineJson } from './support/cli.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

/** Every process compiles its modules, on two cores that others use too. */
const TIMEOUT_MS = 60_000
const NOWHERE: CliEnv = {
  NODE_ENV: 'test',
  DB_HOST: '127.0.0.1',
  DB_PORT: '1',
  REDIS_HOST: '127.0.0.1',
  REDIS_PORT: '1',
}

describe('every command', () => {
  it('has a description, examples, --json and --actor in its help', () => {
    const all = leaves(buildProgram({ env: {}, streams: process, exitCode: 0 }, false))
    expect(all.map(({ path }) => path)).toEqual([
      ...['serve', 'demo', 'migrate', 'doctor', 'token'],
      ...['events list', 'events show', 'events replay', 'events release', 'events discard'],
      ...['webhook verify', 'webhook send'],
      ...['gateways list', 'gateways pause', 'gateways resume'],
      ...['payments register', 'payments attach', 'payments show', 'payments list'],
      ...['trips list', 'trips show', 'trips explain'],
      ...['callbacks list', 'callbacks show', 'callbacks replay', 'callbacks discard'],
    ])
    for (const { path, command } of all) {
      const help = helpOf(command)
      expect(command.description(), path).not.toBe('')
      expect(help, path).toContain(`  onceline ${path}`)
      expect(help, path).toContain('--json')
      expect(help, path).toContain('--actor')
    }
  })
})

describe('wrong usage', { timeout: TIMEOUT_MS }, () => {
  it.each([
    [['events', 'discard', '019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11'], '--reason'],
    [['events', 'replay'], '--status'],
    [['events', 'replay', '--status', 'dead', '--since', 'yesterday'], '--since'],
    [['events', 'show', '17'], '<id>'.slice(1, 3)],
    [['events', 'list', '--limit', '0'], '--limit'],
    [
      ['payments', 'register', ...'--gateway kashier --ref T --amount 1.005 --currency EGP'.split(' ')],
      '--amount',
    ],
    [
      ['payments', 'register', ...'--gateway kashier --ref T --amount 1 --currency egp'.split(' ')],
      '--currency',
    ],
    [['events'], '--help'],
  ])('%j ends with 2 and names %s', async (args, name) => {
    const { code, json } = await oncelineJson(NOWHERE, ...args)
    expect({ code, json }).toMatchObject({ code: 2, json: { error: { code: 'usage', exitCode: 2 } } })
    expect(json.error.message).toContain(name)
  })

  it('is told to people in words', async () => {
    const { code, stdout, stderr } = await onceline(NOWHERE, 'evnts')
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain("unknown command 'evnts'")
    expect(stderr).toContain('Did you mean events?')
  })
})

describe('what stands in the way', { timeout: TIMEOUT_MS }, () => {
  let empty: TestDatabase
  beforeAll(async () => {
    empty = await testDatabase('cli_empty', { migrated: false })
  })
  afterAll(() => empty.drop())

  it('no database: 3', async () => {
    const { code, json } = await oncelineJson(NOWHERE, 'events', 'list')
    expect({ code, json }).toMatchObject({
      code: 3,
      json: { error: { code: 'database_unreachable', exitCode: 3 } },
    })
  })

  it('a wrong configuration: 4, with every problem and no value', async () => {
    const env = { NODE_ENV: 'production', DB_HOST: 'db', DB_PASSWORD: 'hunter2', PORT: 'http' }
    const { code, json } = await oncelineJson(env, 'events', 'list')
    expect({ code, json }).toMatchObject({ code: 4, json: { error: { code: 'configuration', exitCode: 4 } } })
    for (const name of ['PORT', 'DB_PASSWORD', 'REDIS_HOST', 'JWT_SECRET'])
      expect(json.error.problems.join('\n')).toContain(name)
    expect(JSON.stringify(json)).not.toContain('hunter2')
  })

  it('a schema that is not there: 5, until it is migrated', async () => {
    const env = envOf(empty)
    expect(await oncelineJson(env, 'events', 'list')).toMatchObject({
      code: 5,
      json: { error: { code: 'migrations_pending', message: expect.stringContaining('onceline migrate') } },
    })
    expect(await oncelineJson(env, 'migrate', '--status')).toMatchObject({
      code: 1,
      json: { upToDate: false },
    })
    const sick = await oncelineJson(env, 'doctor')
    expect(sick).toMatchObject({ code: 1, json: { ok: false } })
    expect(sick.json.checks).toContainEqual(expect.objectContaining({ name: 'schema', status: 'wrong' }))
    const { json } = await oncelineJson(env, 'migrate')
    expect(json.applied.length).toBeGreaterThan(8)
    expect(await oncelineJson(env, 'migrate')).toMatchObject({ code: 0, json: { applied: [] } })
    expect(await oncelineJson(env, 'migrate', '--status')).toMatchObject({
      code: 0,
      json: { upToDate: true },
    })
    expect(await oncelineJson(env, 'events', 'list')).toEqual({ code: 0, json: { events: [], next: null } })
    const well = await oncelineJson(env, 'doctor')
    expect(well.json.checks.filter(({ status }: { status: string }) => status !== 'ok')).toEqual([])
    expect(well).toMatchObject({ code: 0, json: { ok: true } })
  })
})

describe('without a configured database', { timeout: TIMEOUT_MS }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'onceline-cli-'))
  afterAll(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))

  it('a command starts the private one, migrates it, and stops it again', async () => {
    const env = { NODE_ENV: 'test', DATA_DIR: dataDir }
    const words = '--gateway kashier --ref TRIP-1 --amount 150.00 --currency EGP'.split(' ')
    expect(await oncelineJson(env, 'payments', 'register', ...words)).toMatchObject({
      code: 0,
      json: { result: 'created' },
    })
    expect(readdirSync(dataDir)).not.toContain('host.json')
    const { json } = await oncelineJson(env, 'payments', 'show', 'TRIP-1')
    expect(json.payment).toMatchObject({ merchantRef: 'TRIP-1', expectedMinor: 15_000, state: 'created' })
  })
})

interface Leaf {
  readonly path: string
  readonly command: Command
}

function leaves(command: Command, path: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ path: path.join(' '), command }]
  return command.commands.flatMap((one) => leaves(one, [...path, one.name()]))
}

/** The whole help, with what stands before and after commander's own part. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return text
}
