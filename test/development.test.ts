import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { devPublicKey, loadOrCreateDevKey } from '../src/dev-key.ts'
import { loadForUse } from '../src/development.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { buildDelivery, samples } from '../src/webhooks/gateways/samples/samples.ts'

const NOW_MS = Date.parse('2026-11-29T12:00:00Z')
let folder: string
let keyFile: string

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'onceline-development-')), 'data')
  keyFile = join(folder, 'dev-key.pem')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

function load(env: Record<string, string> = {}) {
  const loaded = loadForUse({ DATA_DIR: folder, ...env }, 2)
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded
}

describe('development with an empty data folder', () => {
  it('has a default account of every gateway, which takes what its gateway would send', () => {
    const { gateways } = load().config
    const taken = [...adapters.values()].flatMap((adapter) => {
      const account = gateways.get(adapter.name)?.get('default')
      const sample = samples.get(adapter.name)
      if (account === undefined || sample === undefined) return [`${adapter.name}: no account or no sample`]
      return sample.kinds.map((kind) => {
        const { query, ...delivery } = buildDelivery(adapter.name, {
          kind,
          merchantRef: 'TRIP-1',
          operationRef: '4711',
          amountMinor: 10_000n,
          currency: sample.currency,
          nowMs: NOW_MS,
          secret: account.secrets[0] ?? '',
          settings: account.settings,
          privateKey: loadOrCreateDevKey(folder),
        })
        const received = adapter.receive({ ...delivery, query: new URLSearchParams(query) }, account, NOW_MS)
        if (received.kind !== 'accepted') return `${adapter.name} ${kind}: ${JSON.stringify(received)}`
        const holds = received.events.map(({ hold }) => hold).filter((hold) => hold !== null)
        return `${adapter.name} ${kind}: ${holds.length === 0 ? 'taken' : holds}`
      })
    })
    expect(taken.filter((line) => !line.endsWith(': taken'))).toEqual([])
    expect(taken.length).toBeGreaterThan(adapters.size)
  })

  it('has the same at every start, for all that share the folder', () => {
    const first = load()
    const again = load()
    expect(again.config.gateways).toEqual(first.config.gateways)
    expect(again.generated).toEqual(first.generated)
    expect(Object.keys(first.generated)).toContain('STRIPE_WEBHOOK_SECRETS')
  })

  it('keeps what the environment sets, and makes up what it leaves open', () => {
    const { gateways } = load({ PAYMOB_OWNER: '77', STRIPE_WEBHOOK_SECRETS: 'whsec_of_my_own' }).config
    const paymob = gateways.get('paymob')?.get('default')
    expect([paymob?.settings.OWNER, paymob?.secrets.length]).toEqual(['77', 1])
    expect(gateways.get('stripe')?.get('default')?.secrets).toEqual(['whsec_of_my_own'])
  })

  it('adds nothing to an account that somebody configured', () => {
    const configured = {
      SQUARE_WEBHOOK_SECRETS: 'my-own-secret-of-square',
      SQUARE_PUBLIC_URL: 'https://a.example/',
    }
    const { generated, config } = load(configured)
    expect(config.gateways.get('square')?.get('default')?.settings).toEqual({
      PUBLIC_URL: 'https://a.example/',
    })
    expect(Object.keys(generated).filter((name) => name.startsWith('SQUARE_'))).toEqual([])
  })

  it('is not production, where nothing is made up and nothing is written', () => {
    const loaded = loadForUse({ DATA_DIR: folder, NODE_ENV: 'production' }, 2)
    expect([loaded.ok, loaded.generated, existsSync(folder)]).toEqual([false, {}, false])
  })
})

describe('the key of development', () => {
  it('is made once, for its owner only, and leaves no draft behind', () => {
    const made = loadOrCreateDevKey(folder)
    expect(loadOrCreateDevKey(folder).equals(made)).toBe(true)
    expect(devPublicKey(folder)).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect(readdirSync(folder)).toEqual(['dev-key.pem'])
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    chmodSync(keyFile, 0o644)
    loadOrCreateDevKey(folder)
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
  })

  it('is not made anew over a file that cannot be read, which is not quoted', () => {
    loadOrCreateDevKey(folder)
    writeFileSync(keyFile, 'hush')
    expect(() => loadOrCreateDevKey(folder)).toThrow(/dev-key\.pem cannot be read; delete it/)
    expect(() => loadOrCreateDevKey(folder)).not.toThrow(/hush/)
  })

  it('is the same for processes that start together', async () => {
    const module = join(import.meta.dirname, '../src/development.ts')
    // Each waits for one common moment, so that they meet at the file.
    const script = `const { loadForUse } = await import(${JSON.stringify(module)})
      const { devPublicKey } = await import(${JSON.stringify(join(import.meta.dirname, '../src/dev-key.ts'))})
      while (Date.now() < ${Date.now() + 4_000});
      const { generated } = loadForUse({ DATA_DIR: ${JSON.stringify(folder)} }, 2)
      console.log(JSON.stringify([generated, devPublicKey(${JSON.stringify(folder)})]))`
    const run = promisify(execFile)
    const outputs = await Promise.all(
      Array.from({ length: 3 }, () => run(process.execPath, ['--input-type=module', '-e', script])),
    )
    expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1)
    expect(readdirSync(folder).sort()).toEqual(['dev-key.pem', 'secrets.json'])
  }, 60_000)
})
