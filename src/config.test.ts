import { describe, expect, it } from 'vitest'
import type { Environment } from './config/variables.ts'
import { type Config, fillMissing, loadConfig } from './config.ts'

const SURROUNDINGS = { gateways: ['stripe', 'kashier', 'paymob', 'standard-webhooks'], cores: 4 }

function accept(env: Environment): Config {
  const loaded = loadConfig(env, SURROUNDINGS)
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded.config
}

function problemsOf(env: Environment): readonly string[] {
  const loaded = loadConfig(env, SURROUNDINGS)
  return loaded.ok ? [] : loaded.problems
}

describe('an empty environment', () => {
  it('is a development set-up on the embedded data host', () => {
    expect(accept({})).toMatchObject({
      environment: 'development',
      host: '127.0.0.1',
      port: 3_000,
      dataDir: '.data',
      logLevel: 'info',
      db: null,
      redis: null,
      dbWorkerConnections: 11,
      jwtSecrets: [],
      internalApiKeys: [],
      internal: null,
      internalAllowedCidrs: null,
      trustedProxies: [],
      rateLimits: { 'internal-api': { points: 12_000, seconds: 60 }, auth: { points: 600, seconds: 60 } },
      laravel: null,
      wsCorsOrigins: [],
      wsSockets: { perUser: 3, perNetwork: 200 },
      clusterMode: false,
      workerProcesses: 4,
      shutdownTimeoutMs: 30_000,
      webhookMaxAttempts: 12,
      webhookWorkerConcurrency: 8,
    })
  })

  it('names the secrets to be made up', () => {
    expect(accept({ JWT_SECRET: ' ' }).missingSecrets).toEqual([
      'JWT_SECRET',
      'INTERNAL_API_KEY',
      'STRIPE_WEBHOOK_SECRETS',
      'KASHIER_WEBHOOK_SECRETS',
      'PAYMOB_WEBHOOK_SECRETS',
      'STANDARD_WEBHOOKS_WEBHOOK_SECRETS',
    ])
  })

  it('is complete with what was made up, and what is set wins', () => {
    const env = { JWT_SECRET: 'mine', STRIPE_WEBHOOK_SECRETS: '', PORT: '1' }
    const made = Object.fromEntries(accept({}).missingSecrets.map((name) => [name, `made-${name}`]))
    const config = accept(fillMissing(env, made))
    expect(config.missingSecrets).toEqual([])
    expect(config.jwtSecrets).toEqual(['mine'])
    expect(config.gateways.get('stripe')?.get('default')?.secrets).toEqual(['made-STRIPE_WEBHOOK_SECRETS'])
    expect(config.gateways.get('standard-webhooks')?.get('default')?.account).toBe('default')
  })

  it('takes as many workers as there are cores, up to the limit', () => {
    const loaded = loadConfig({}, { ...SURROUNDINGS, cores: 200 })
    expect(loaded.ok && loaded.config.workerProcesses).toBe(64)
  })
})

describe('values', () => {
  it('are read into the types that the program works with', () => {
    const config = accept({
      NODE_ENV: 'test',
      PORT: '0',
      HOST: '::1',
      DB_HOST: 'db.internal',
      DB_PASSWORD: 'p',
      DB_PORT: '3307',
      INTERNAL_HOST: '10.0.0.5',
      INTERNAL_PORT: '3100',
      INTERNAL_ALLOWED_CIDRS: ' 10.0.0.0/8, ::ffff:192.0.2.1 ,fd00::/8,',
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMIT_BID: ' 5/1 ',
      RATE_LIMIT_COMMAND: 'OFF',
      LARAVEL_API_URL: 'http://10.0.0.7:8000/base/',
      WS_CORS_ORIGIN: 'https://a.example.org, capacitor://localhost,',
      WS_SOCKETS_PER_USER: '5',
      WS_SOCKETS_PER_NETWORK: 'Off',
      CLUSTER_MODE: '1',
      WORKER_PROCESSES: '64',
      SHUTDOWN_TIMEOUT_SECONDS: '5',
      JWT_SECRET: 'new',
      JWT_SECRET_PREVIOUS: 'old',
    })
    expect(config).toMatchObject({
      port: 0,
      host: '::1',
      db: { host: 'db.internal', port: 3307, user: 'onceline', password: 'p', database: 'onceline' },
      redis: null,
      internal: { host: '10.0.0.5', port: 3_100 },
      internalAllowedCidrs: ['10.0.0.0/8', '::ffff:192.0.2.1', 'fd00::/8'],
      trustedProxies: ['127.0.0.1'],
      rateLimits: { bid: { points: 5, seconds: 1 }, command: null },
      laravel: { url: 'http://10.0.0.7:8000/base', apiKey: null },
      wsCorsOrigins: ['https://a.example.org', 'capacitor://localhost'],
      wsSockets: { perUser: 5, perNetwork: null },
      clusterMode: true,
      workerProcesses: 64,
      shutdownTimeoutMs: 5_000,
      jwtSecrets: ['new', 'old'],
    })
    expect(accept({ REDIS_HOST: 'r' })).toMatchObject({
      db: null,
      redis: { host: 'r', port: 6379, password: '', isCluster: false },
    })
    expect(accept({ REDIS_HOST: 'r', REDIS_CLUSTER: '1' }).redis?.isCluster).toBe(true)
  })

  it.each([
    ['NODE_ENV', 'prod', 'development, test, production'],
    ['PORT', '65536', '0 to 65535'],
    ['PORT', '3e3', 'whole number'],
    ['PORT', '-1', 'whole number'],
    ['DB_PORT', '0', '1 to 65535'],
    ['HOST', 'http://x', 'host name'],
    ['DB_HOST', 'db:3306', 'without scheme and port'],
    ['LARAVEL_API_URL', 'ftp://x', 'http://'],
    ['LARAVEL_API_URL', 'http://user:pw@x', 'without credentials'],
    ['WS_CORS_ORIGIN', 'example.org', 'origins'],
    ['WS_SOCKETS_PER_USER', 'off', '1 to 1000'],
    ['WS_SOCKETS_PER_NETWORK', '0', 'off, or a whole number'],
    ['WS_CORS_ORIGIN', 'https://x/path', 'origins'],
    ['CLUSTER_MODE', 'yes', 'true, false, 1 or 0'],
    ['REDIS_CLUSTER', 'yes', 'true, false, 1 or 0'],
    ['WORKER_PROCESSES', '65', '1 to 64'],
    ['WORKER_PROCESSES', '0', '1 to 64'],
    ['LOG_LEVEL', 'loud', 'trace, debug'],
    ['SHUTDOWN_TIMEOUT_SECONDS', '31', '1 to 30'],
    ['WEBHOOK_MAX_ATTEMPTS', '0', '1 to 100'],
    ['INTERNAL_HOST', 'http://10.0.0.1', 'host name'],
    ['INTERNAL_PORT', '65536', '0 to 65535'],
    ['INTERNAL_ALLOWED_CIDRS', '10.0.0.0/33', '10.0.0.0/8'],
    ['INTERNAL_ALLOWED_CIDRS', ' , ', 'separated by commas'],
    ['TRUSTED_PROXIES', 'localhost', 'addresses or ranges'],
    ['RATE_LIMIT_INTERNAL_API', '600', '<points>/<seconds>'],
    ['RATE_LIMIT_AUTH', '0/60', '<points>/<seconds>'],
    ['RATE_LIMIT_TRIP_CREATE', '10/0', '<points>/<seconds>'],
    ['RATE_LIMIT_BID', '1000001/60', '1000000/86400'],
    ['RATE_LIMIT_COMMAND', '10/86401', '1000000/86400'],
    ['RATE_LIMIT_HANDSHAKE', '10', '<points>/<seconds>'],
  ])('%s=%s is refused: %s', (name, value, expected) => {
    const [problem, ...others] = problemsOf({ [name]: value })
    expect(others).toEqual([])
    expect(problem).toContain(`${name} must be`)
    expect(problem).toContain(expected)
    expect(problem).not.toContain(` ${value} `)
  })

  it('are refused where two listeners would have one place', () => {
    const one = { HOST: '10.0.0.5', PORT: '3000', INTERNAL_HOST: '10.0.0.5', INTERNAL_PORT: '3000' }
    expect(problemsOf(one)).toEqual(['INTERNAL_PORT must differ from PORT where INTERNAL_HOST is HOST'])
    for (const another of [{ INTERNAL_HOST: '127.0.0.1' }, { INTERNAL_PORT: '3001' }, { INTERNAL_HOST: '' }])
      expect(problemsOf({ ...one, ...another })).toEqual([])
    expect(problemsOf({ ...one, PORT: '0', INTERNAL_PORT: '0' })).toEqual([])
  })

  it('are refused where the embedded Redis would have to be a cluster', () => {
    expect(problemsOf({ REDIS_CLUSTER: 'true' })).toEqual([
      'REDIS_CLUSTER needs REDIS_HOST, one of its nodes',
    ])
  })

  it('are all reported at once', () => {
    const problems = problemsOf({
      PORT: 'x',
      LOG_LEVEL: 'x',
      NODE_ENV: 'production',
      FOO_WEBHOOK_SECRETS: 'x',
    })
    const names = ['PORT', 'LOG_LEVEL', 'FOO_WEBHOOK_SECRETS', 'DB_HOST', 'JWT_SECRET', 'REDIS_PASSWORD']
    for (const name of names) expect(problems.filter((one) => one.startsWith(`${name} `))).toHaveLength(1)
  })
})

describe('gateways', () => {
  it('are read by account, with settings beside the secrets', () => {
    const { gateways } = accept({
      PAYMOB_WEBHOOK_SECRETS: ' first , second,,first',
      PAYMOB_OWNER: '12',
      KASHIER__CAIRO_EAST__WEBHOOK_SECRETS: 'third',
      KASHIER__CAIRO_EAST__MERCHANT_ID: 'MID-1',
      STANDARD_WEBHOOKS__SHOP__WEBHOOK_SECRETS: 'whsec_a',
    })
    expect(gateways.get('paymob')?.get('default')).toEqual({
      gateway: 'paymob',
      account: 'default',
      secrets: ['first', 'second'],
      settings: { OWNER: '12' },
    })
    expect(gateways.get('kashier')?.get('cairo-east')).toEqual({
      gateway: 'kashier',
      account: 'cairo-east',
      secrets: ['third'],
      settings: { MERCHANT_ID: 'MID-1' },
    })
    expect([...(gateways.get('standard-webhooks')?.keys() ?? [])]).toEqual(['shop'])
    expect(gateways.has('stripe')).toBe(false)
  })

  it.each([
    ['KASHIER__CAIRO__MERCHANT_ID', 'KASHIER__CAIRO__WEBHOOK_SECRETS is missing'],
    ['KASHEIR__CAIRO__OWNER', 'KASHEIR__CAIRO__OWNER names an unknown gateway'],
    ['STIPE_WEBHOOK_SECRETS', 'STIPE_WEBHOOK_SECRETS names an unknown gateway'],
    ['STRIPE_WEBHOOK_SECRET', 'STRIPE_WEBHOOK_SECRET must be named STRIPE_WEBHOOK_SECRETS'],
    ['STRIPE__CAIRO', 'STRIPE__CAIRO must have the form STRIPE__<ACCOUNT>__<NAME>'],
    ['STRIPE__A__B__C', 'STRIPE__A__B__C must have the form'],
    ['STRIPE__DEFAULT__WEBHOOK_SECRETS', 'must be named STRIPE_WEBHOOK_SECRETS'],
    [`STRIPE__${'A'.repeat(65)}__WEBHOOK_SECRETS`, 'more than 64 characters'],
  ])('%s alone is refused', (name, problem) => {
    const problems = problemsOf({ [name]: 'value-that-stays-unseen' })
    expect(problems).toEqual([expect.stringContaining(problem)])
    expect(problems.join()).not.toContain('unseen')
  })

  it('need a secret, also where only commas are given', () => {
    const env = { KASHIER__CAIRO__WEBHOOK_SECRETS: ' , ' }
    expect(problemsOf(env)).toEqual(['KASHIER__CAIRO__WEBHOOK_SECRETS must hold at least one secret'])
    expect(accept({ PAYMOB_OWNER: '1' }).missingSecrets).toContain('PAYMOB_WEBHOOK_SECRETS')
  })

  it('leave the variables of others alone', () => {
    const others = {
      npm_config__jsr__registry: 'x',
      npm_package_name: 'x',
      my_WEBHOOK_SECRETS: 'x',
      Logging__Level__Default: 'x',
      __CF_USER_TEXT_ENCODING: 'x',
      PATH: '/bin',
      _: '/usr/bin/node',
      GIT_CONFIG__: 'x',
    }
    expect(problemsOf(others)).toEqual([])
  })
})
