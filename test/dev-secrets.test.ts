import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadOrCreateDevSecrets, type SecretFormOf } from '../src/dev-secrets.ts'

const NAMES = [
  'JWT_SECRET',
  'INTERNAL_API_KEY',
  'STRIPE_WEBHOOK_SECRETS',
  'STANDARD_WEBHOOKS_WEBHOOK_SECRETS',
]
let folder: string
let file: string

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'onceline-secrets-')), 'data')
  file = join(folder, 'secrets.json')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

describe('loadOrCreateDevSecrets', () => {
  it('makes random secrets in the form that each user expects', () => {
    const formOf: SecretFormOf = (name) =>
      name === 'JWT_SECRET' ? 'text' : name.startsWith('ST') ? 'whsec' : 'hex'
    const made = loadOrCreateDevSecrets(folder, NAMES, formOf)
    expect(made.JWT_SECRET).toMatch(/^[\w-]{43}$/)
    expect(made.INTERNAL_API_KEY).toMatch(/^[0-9a-f]{64}$/)
    const base64 = made.STANDARD_WEBHOOKS_WEBHOOK_SECRETS?.slice('whsec_'.length) ?? ''
    expect(Buffer.from(base64, 'base64')).toHaveLength(32)
    expect(new Set(Object.values(made)).size).toBe(NAMES.length)
    rmSync(file)
    expect(loadOrCreateDevSecrets(folder, NAMES).JWT_SECRET).not.toBe(made.JWT_SECRET)
  })

  it('keeps them over restarts, for their owner only, and leaves no draft behind', () => {
    const made = loadOrCreateDevSecrets(folder, NAMES)
    expect(loadOrCreateDevSecrets(folder, NAMES)).toEqual(made)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['secrets.json'])
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(made)
    chmodSync(file, 0o644)
    loadOrCreateDevSecrets(folder, NAMES)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('derives a name that is new, the same every time, and changes nothing', () => {
    const made = loadOrCreateDevSecrets(folder, ['JWT_SECRET'])
    const before = readFileSync(file, 'utf8')
    const later = loadOrCreateDevSecrets(folder, NAMES)
    expect(later.JWT_SECRET).toBe(made.JWT_SECRET)
    expect(loadOrCreateDevSecrets(folder, NAMES)).toEqual(later)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('lets a value stand that a person wrote into the file', () => {
    loadOrCreateDevSecrets(folder, NAMES)
    const kept = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...kept, JWT_SECRET: 'the one that Laravel has' }))
    expect(loadOrCreateDevSecrets(folder, NAMES).JWT_SECRET).toBe('the one that Laravel has')
  })

  it.each(['{"JWT_SECRET":"hush', '[]', '{"seed":1}', '{}', ''])(
    'refuses %j without quoting it',
    (content) => {
      loadOrCreateDevSecrets(folder, NAMES)
      writeFileSync(file, content)
      expect(() => loadOrCreateDevSecrets(folder, NAMES)).toThrow(/secrets\.json.*delete it/)
      expect(() => loadOrCreateDevSecrets(folder, NAMES)).not.toThrow(/hush/)
    },
  )

  it('writes nothing when nothing is needed', () => {
    expect(loadOrCreateDevSecrets(folder, [])).toEqual({})
    expect(() => statSync(folder)).toThrow()
  })

  it('gives the same to processes that start together', async () => {
    const module = join(import.meta.dirname, '../src/dev-secrets.ts')
    // Each waits for one common moment, so that they meet at the file.
    const script = `const { loadOrCreateDevSecrets } = await import(${JSON.stringify(module)})
      while (Date.now() < ${Date.now() + 1_500});
      console.log(JSON.stringify(loadOrCreateDevSecrets(${JSON.stringify(folder)}, ${JSON.stringify(NAMES)})))`
    const run = promisify(execFile)
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '-e', script])),
    )
    expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1)
  }, 20_000)
})
