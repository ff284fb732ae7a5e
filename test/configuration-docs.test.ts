import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { VARIABLE_NAMES, VARIABLES } from '../src/config/variables.ts'
import { loadConfig } from '../src/config.ts'
import { describeLimitRule, type LimitRule } from '../src/limits/rules.ts'
import { adapters, configurationProblems } from '../src/webhooks/gateways/registry.ts'

const ROOT = join(import.meta.dirname, '..')
const GATEWAYS = [...adapters.keys()]
const DEFAULTS: Record<string, unknown> = VARIABLES.parse({})

/** Variable → the default that the table gives, without its code marks. */
const table = new Map(
  [
    ...readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \| ([^|]*) \|/gm),
  ].map(([, name = '', text = '']) => [name, text.replace(/^`([^`]*)`$/, '$1')]),
)
const exampleText = readFileSync(join(ROOT, '.env.example'), 'utf8')
/** The example as somebody would have it who took the comment signs away. */
const example = parseEnv(exampleText.replace(/^#(?=[A-Z_]+=)/gm, '')) as Record<string, string>

/** A default as somebody would write it into the environment. */
function written(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? describeLimitRule(value as LimitRule | null) : String(value)
}

describe('the documentation of the configuration', () => {
  it('has one row for every variable, and no row for another', () => {
    expect([...table.keys()]).toEqual(VARIABLE_NAMES)
  })

  it('has the defaults that the program has', () => {
    for (const [name, value] of Object.entries(DEFAULTS)) {
      expect([name, table.get(name)]).toEqual([name, written(value) || 'not set: none'])
    }
  })
})

describe('.env.example', () => {
  it('has a line for every variable', () => {
    expect(VARIABLE_NAMES.filter((name) => !(name in example))).toEqual([])
  })

  it('has the defaults that the program has', () => {
    for (const [name, value] of Object.entries(DEFAULTS)) {
      expect([name, example[name]]).toEqual([name, written(value)])
    }
  })

  it('sets nothing as it is, and is readable as a whole', () => {
    expect(parseEnv(exampleText)).toEqual({})
    const check = configurationProblems
    const loaded = loadConfig(example, { gateways: GATEWAYS, cores: 2, check })
    // The placeholders that no environment takes: no key can be made of them.
    const keys = ['ADYEN', 'HYPERPAY', 'STANDARD_WEBHOOKS'].map((gateway) => `${gateway}_WEBHOOK_SECRETS`)
    expect(loaded).toMatchObject({ problems: keys.map((name) => expect.stringMatching(`^${name} `)) })
    const filled = { ...example, ...Object.fromEntries(keys.map((name) => [name, ''])) }
    expect(loadConfig(filled, { gateways: GATEWAYS, cores: 2, check })).toMatchObject({ ok: true })
  })

  it('cannot be taken to production unread: every secret in it is refused', () => {
    const loaded = loadConfig({ ...example, NODE_ENV: 'production' }, { gateways: GATEWAYS, cores: 2 })
    if (loaded.ok) throw new Error('accepted')
    const secrets = Object.keys(example).filter((name) => example[name]?.includes('REPLACE_ME'))
    for (const name of secrets)
      expect(loaded.problems).toContainEqual(expect.stringMatching(`^${name} is a placeholder`))
    expect(secrets.length).toBeGreaterThan(10)
  })
})
