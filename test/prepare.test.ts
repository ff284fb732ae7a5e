import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const PROJECT = resolve(import.meta.dirname, '..')
const TIMEOUT_MS = 60_000
const STAMP = 'node_modules/.onceline-lock'
const INSTALLING = 'onceline: installing dependencies (npm ci)'
/** The dependencies are folders, so that npm has nothing to fetch. */
const DEPENDENCIES = { dependencies: { part: 'file:part' }, devDependencies: { tool: 'file:tool' } }

let clone: string

beforeEach(() => {
  mkdirSync(join(PROJECT, '.data'), { recursive: true, mode: 0o700 })
  clone = mkdtempSync(join(PROJECT, '.data/prepare-test-'))
  cpSync(join(PROJECT, 'scripts/prepare.mjs'), join(clone, 'scripts/prepare.mjs'))
  const manifest = { name: 'a-clone', version: '1.0.0', ...DEPENDENCIES }
  writeFileSync(join(clone, 'package.json'), JSON.stringify(manifest))
  for (const name of ['part', 'tool']) {
    mkdirSync(join(clone, name))
    writeFileSync(join(clone, name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }))
  }
  writeLock('1.0.0')
})

afterEach(() => rmSync(clone, { recursive: true, force: true }))

describe('prepare', { timeout: TIMEOUT_MS }, () => {
  it('installs once, then says nothing until the lock file changes', () => {
    expect(prepare()).toMatchObject({ status: 0, stderr: expect.stringContaining(INSTALLING) })
    expect(prepare()).toMatchObject({ status: 0, stderr: '', stdout: '' })
    writeLock('1.0.1')
    expect(prepare()).toMatchObject({ status: 0, stderr: expect.stringContaining(INSTALLING) })
  })

  it('does not repeat what somebody installed by hand', () => {
    prepare()
    rmSync(join(clone, STAMP))
    expect(prepare()).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(join(clone, STAMP))).toBe(true)
    rmSync(join(clone, STAMP))
    rmSync(join(clone, 'node_modules/.package-lock.json'))
    expect(prepare().stderr).toContain(INSTALLING)
  })

  it('is not steered by the settings of the npm that runs it', () => {
    expect(prepare({ npm_config_dry_run: 'true', npm_config_omit: 'prod', npm_command: 'run' }).status).toBe(
      0,
    )
    expect(existsSync(join(clone, 'node_modules/part/package.json'))).toBe(true)
  })

  it('installs again for the tests what a production start left out', () => {
    expect(prepare({ NODE_ENV: 'production' })).toMatchObject({ status: 0 })
    expect(prepare({ NODE_ENV: 'production' }).stderr).toBe('')
    expect(existsSync(join(clone, 'node_modules/tool'))).toBe(false)
    const tests = { NODE_ENV: 'production', npm_lifecycle_event: 'pretest' }
    expect(prepare(tests).stderr).toContain(INSTALLING)
    expect(existsSync(join(clone, 'node_modules/tool'))).toBe(true)
    expect(prepare({ NODE_ENV: 'production' }).stderr).toBe('')
  })

  it('fails with npm, and leaves no stamp', () => {
    writeFileSync(join(clone, 'package-lock.json'), 'not a lock file')
    const result = prepare()
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining('npm ci failed') })
    expect(prepare().stderr).toContain('npm ci failed')
  })

  it('names the way out when npm brought no Node that can run TypeScript', () => {
    prepare()
    mkdirSync(join(clone, 'node_modules/.bin'), { recursive: true })
    writeFileSync(join(clone, 'old-node'), '#!/bin/sh\necho v20.20.2\n', { mode: 0o755 })
    symlinkSync('../../old-node', join(clone, 'node_modules/.bin/node'))
    const result = prepare()
    expect(result.status).toBe(1)
    expect(result.stderr).toMatch(/runs on Node 24 or newer.*found v20\.20\.2/s)
    expect(result.stderr).toContain('npm ci')
  })

  it('looks for the servers only when no others are named', () => {
    mkdirSync(join(clone, 'db/embedded'), { recursive: true })
    writeFileSync(join(clone, 'db/embedded/install.ts'), 'console.log(process.argv[3]); process.exit(7)')
    expect(prepare().status).toBe(0)
    const result = prepare({ DB_HOST: '', DATA_DIR: 'elsewhere' })
    const installed = result.status === 0
    // A machine with both servers in the usual places is not asked any further.
    if (!installed) expect(result).toMatchObject({ status: 7, stderr: `${join(clone, 'elsewhere')}\n` })
  })

  it('fetches tools for the tests alone, once, and goes on without them', () => {
    const script = "console.error('fetching', process.argv[2]); process.exit(1)"
    writeFileSync(join(clone, 'scripts/install-test-tool.ts'), script)
    const nothing = { PATH: join(clone, 'nothing'), npm_node_execpath: process.execPath }
    expect(prepare().status).toBe(0)
    expect(prepare({ ...nothing, npm_lifecycle_event: 'prestart' })).toMatchObject({ status: 0, stderr: '' })
    const tests = { ...nothing, npm_lifecycle_event: 'pretest' }
    expect(prepare(tests)).toMatchObject({ status: 0, stderr: 'fetching php\nfetching chromium\n' })
    mkdirSync(join(clone, '.data/php-root'), { recursive: true })
    expect(prepare(tests)).toMatchObject({ status: 0, stderr: 'fetching chromium\n' })
    mkdirSync(join(clone, '.data/chromium-root'), { recursive: true })
    expect(prepare(tests)).toMatchObject({ status: 0, stderr: '' })
  })
})

function prepare(env: Record<string, string> = {}) {
  const named = { DB_HOST: 'db.example', REDIS_HOST: 'redis.example' }
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^NODE_ENV$|^VITEST|^DATA_DIR$/i.test(name),
  )
  return spawnSync(process.execPath, ['scripts/prepare.mjs'], {
    cwd: clone,
    encoding: 'utf8',
    env: { ...Object.fromEntries(kept), ...named, ...env },
  })
}

function writeLock(version: string): void {
  const packages = {
    '': { name: 'a-clone', version: '1.0.0', ...DEPENDENCIES },
    'node_modules/part': { resolved: 'part', link: true },
    part: { version },
    'node_modules/tool': { resolved: 'tool', link: true, dev: true },
    tool: { version: '1.0.0', dev: true },
  }
  const lock = { name: 'a-clone', version: '1.0.0', lockfileVersion: 3, packages }
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock))
}
