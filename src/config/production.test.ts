import { describe, expect, it } from 'vitest'
import { type Config, describeConfig, loadConfig } from '../config.ts'
import type { Environment } from './variables.ts'

const SURROUNDINGS = { gateways: ['stripe', 'kashier', 'paymob', 'standard-webhooks'], cores: 4 }

/** A different strong secret for every name. */
function strong(name: string): string {
  return `${name.toLowerCase().replaceAll('_', '')}.9fK2mQx7LpZ4vTb8RnW1`
}

const PRODUCTION: Environment = {
  NODE_ENV: 'production',
  DB_HOST: '10.0.0.5',
  DB_PASSWORD: strong('A'),
  REDIS_HOST: '10.0.0.5',
  REDIS_PASSWORD: strong('B'),
  JWT_SECRET: strong('CCCCCCCCCCCC'),
  INTERNAL_API_KEY: strong('DDDDDDDDDDDD'),
  LARAVEL_API_URL: 'https://api.example.org/',
  LARAVEL_API_KEY: strong('E'),
  STRIPE_WEBHOOK_SECRETS: `whsec_${strong('F')}`,
}

function accept(env: Environment): Config {
  const loaded = loadConfig(env, SURROUNDINGS)
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded.config
}

function problemsOf(env: Environment): readonly string[] {
  const loaded = loadConfig(env, SURROUNDINGS)
  return loaded.ok ? [] : loaded.problems
}

describe('production', () => {
  it('starts with everything set', () => {
    const config = accept(PRODUCTION)
    expect(config).toMatchObject({ environment: 'production', missingSecrets: [] })
    expect(config.laravel).toEqual({ url: 'https://api.example.org', apiKey: PRODUCTION.LARAVEL_API_KEY })
    expect([...config.gateways.keys()]).toEqual(['stripe'])
  })

  it.each([
    'DB_HOST',
    'DB_PASSWORD',
    'REDIS_HOST',
    'REDIS_PASSWORD',
    'JWT_SECRET',
    'INTERNAL_API_KEY',
    'LARAVEL_API_KEY',
  ])('needs %s', (name) => {
    for (const value of [undefined, '', '  ']) {
      expect(problemsOf({ ...PRODUCTION, [name]: value })).toEqual([
        `${name} is missing; production needs it`,
      ])
    }
  })

  it('needs no Laravel key without a Laravel', () => {
    const env = { ...PRODUCTION, LARAVEL_API_URL: '', LARAVEL_API_KEY: '' }
    expect(accept(env).laravel).toBeNull()
  })

  const secretNames = [
    'DB_PASSWORD',
    'REDIS_PASSWORD',
    'JWT_SECRET',
    'JWT_SECRET_PREVIOUS',
    'INTERNAL_API_KEY',
    'INTERNAL_API_KEY_PREVIOUS',
    'LARAVEL_API_KEY',
    'STRIPE_WEBHOOK_SECRETS',
    'KASHIER__CAIRO__WEBHOOK_SECRETS',
    'STRIPE_API_KEY',
  ]
  it.each(secretNames)('refuses a placeholder, a short and a simple value in %s', (name) => {
    const bad = [
      'REPLACE_ME_WITH_A_LONG_RANDOM_STRING_OF_40',
      'aB3dE6gH9',
      'abababababababababababababababababababab',
    ]
    for (const value of bad) {
      const problems = problemsOf({ ...PRODUCTION, [name]: value })
      expect(problems.filter((problem) => problem.startsWith(`${name} is `))).toHaveLength(
        name.startsWith('KASHIER') ? 1 : problems.length,
      )
      expect(problems.length).toBeGreaterThanOrEqual(1)
      expect(problems.join()).not.toContain(value)
    }
  })

  it('looks at every secret of a list', () => {
    const env = { ...PRODUCTION, STRIPE_WEBHOOK_SECRETS: `${strong('F')},whsec_REPLACE_ME` }
    expect(problemsOf(env)).toEqual(['STRIPE_WEBHOOK_SECRETS is a placeholder; set a random value'])
  })

  it('refuses a secret with white space around it', () => {
    expect(problemsOf({ ...PRODUCTION, JWT_SECRET: `${PRODUCTION.JWT_SECRET}\n` })).toEqual([
      'JWT_SECRET begins or ends with white space',
    ])
  })

  it('refuses one value in two places, but not in two accounts of gateways', () => {
    expect(problemsOf({ ...PRODUCTION, INTERNAL_API_KEY: PRODUCTION.JWT_SECRET })).toEqual([
      'INTERNAL_API_KEY must not have the same value as JWT_SECRET',
    ])
    expect(problemsOf({ ...PRODUCTION, STRIPE_WEBHOOK_SECRETS: PRODUCTION.DB_PASSWORD })).toEqual([
      'STRIPE_WEBHOOK_SECRETS must not have the same value as DB_PASSWORD',
    ])
    const twins = { KASHIER__A__WEBHOOK_SECRETS: strong('F'), KASHIER__B__WEBHOOK_SECRETS: strong('F') }
    expect(problemsOf({ ...PRODUCTION, ...twins })).toEqual([])
  })

  it('generates no secret for a gateway that has settings', () => {
    expect(problemsOf({ ...PRODUCTION, PAYMOB_OWNER: '1' })).toEqual([
      'PAYMOB_WEBHOOK_SECRETS is missing, though PAYMOB_OWNER is set',
    ])
  })

  it('refuses every origin', () => {
    const problem = 'WS_CORS_ORIGIN must name the origins in production, not *'
    expect(problemsOf({ ...PRODUCTION, WS_CORS_ORIGIN: 'https://a.org, *' })).toEqual([problem])
    expect(accept({ WS_CORS_ORIGIN: '*' }).wsCorsOrigins).toEqual(['*'])
  })
})

describe('describeConfig', () => {
  it('shows addresses and accounts, and none of the secrets', () => {
    const env = {
      ...PRODUCTION,
      JWT_SECRET_PREVIOUS: strong('PPPPPPPPPPPP'),
      PAYMOB_WEBHOOK_SECRETS: strong('G'),
      PAYMOB_API_KEY: strong('H'),
      PAYMOB_OWNER: '12',
    }
    const config = accept(env)
    const text = JSON.stringify(describeConfig(config))
    expect(JSON.parse(text)).toMatchObject({
      db: 'onceline@10.0.0.5:3306/onceline',
      redis: '10.0.0.5:6379',
      rotating: ['JWT_SECRET'],
      gateways: { paymob: ['default'], stripe: ['default'] },
    })
    expect(config.secretValues).toHaveLength(9)
    for (const secret of config.secretValues) expect(text).not.toContain(secret)
  })
  it.each([
    [`gateway:${strong('W')}`, strong('W')],
    [`${strong('S')}:1`, strong('S')],
  ])('knows which half of a pair opens the door: %s', (pair, half) => {
    const { secretValues } = accept({ ...PRODUCTION, PAYMOB_WEBHOOK_SECRETS: pair })
    expect(secretValues).toEqual(expect.arrayContaining([pair, half]))
    expect(secretValues).not.toContain('gateway')
  })
})
