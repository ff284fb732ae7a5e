import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config.ts'
import { adapters, configurationProblems } from '../webhooks/gateways/registry.ts'
import type { Environment } from './variables.ts'

function problemsOf(env: Environment): readonly string[] {
  const loaded = loadConfig(env, { gateways: [...adapters.keys()], cores: 1, check: configurationProblems })
  return loaded.ok ? [] : loaded.problems
}

const KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe('an account that cannot work', () => {
  it('is refused with the name of its variable, and without its value', () => {
    expect(
      problemsOf({
        STANDARD_WEBHOOKS_WEBHOOK_SECRETS: `${KEY},whsec_hidden!`,
        STANDARD_WEBHOOKS__MY_SHOP__WEBHOOK_SECRETS: 'whpk_aGlkZGVu',
      }),
    ).toEqual([
      'STANDARD_WEBHOOKS_WEBHOOK_SECRETS can never match: secret 2 must be base64 of at least 24 bytes, with or without whsec_',
      'STANDARD_WEBHOOKS__MY_SHOP__WEBHOOK_SECRETS can never match: secret 1 must be whpk_ and base64 of 32 bytes',
    ])
    expect(problemsOf({ STANDARD_WEBHOOKS_WEBHOOK_SECRETS: KEY })).toEqual([])
  })

  it('is, in production, one of Paymob without owner or integrations', () => {
    const env = { PAYMOB_WEBHOOK_SECRETS: 'x', PAYMOB_OWNER: '12', PAYMOB__CAIRO__WEBHOOK_SECRETS: 'x' }
    expect(problemsOf(env)).toEqual([])
    const problems = problemsOf({ ...env, NODE_ENV: 'production' })
    expect(problems.filter((problem) => problem.startsWith('PAYMOB') && problem.includes('missing'))).toEqual(
      ['PAYMOB_INTEGRATION_IDS', 'PAYMOB__CAIRO__OWNER', 'PAYMOB__CAIRO__INTEGRATION_IDS'].map(
        (name) => `${name} is missing; production needs it`,
      ),
    )
  })
})
