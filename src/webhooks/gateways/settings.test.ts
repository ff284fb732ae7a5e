import { describe, expect, it } from 'vitest'
import { activeAccount } from './active-secrets.ts'
import type { GatewayAccount } from './adapter.ts'
import { midtrans } from './midtrans.ts'
import { paymob } from './paymob.ts'
import { accountProblems, secretEnds, settingsOf } from './settings.ts'

const END = '2026-12-31T00:00:00Z'
const END_MS = Date.parse(END)

function accountOf(settings: GatewayAccount['settings'], secrets = ['new', 'old']): GatewayAccount {
  return { gateway: 'paymob', account: 'default', secrets, settings }
}

describe('the settings of an account', () => {
  it.each([
    [{ OWNR: '12' }, /^OWNR is no setting of Paymob \(Accept\); known are OWNER, INTEGRATION_IDS, /],
    [{ ALLOWED_CIDRS: '10.0.0.0/8, somewhere' }, /^ALLOWED_CIDRS must be addresses or ranges/],
    [{ WEBHOOK_SECRETS_UNTIL: '2@tomorrow' }, /^WEBHOOK_SECRETS_UNTIL must be <position>@<ISO 8601/],
    [
      { WEBHOOK_SECRETS_UNTIL: `1@${END}, 1@2027-01-01T00:00Z` },
      /^WEBHOOK_SECRETS_UNTIL must be <position>@/,
    ],
    [{ WEBHOOK_SECRETS_UNTIL: `3@${END}` }, /^WEBHOOK_SECRETS_UNTIL names a position without a secret/],
  ])('are refused by name, and without their value: %j', (settings, problem) => {
    const problems = accountProblems(paymob, accountOf(settings), false)
    expect(problems).toEqual([expect.stringMatching(problem)])
    expect(problems[0]).not.toContain('somewhere')
  })

  it.each(['ftp://a', 'nowhere', 'https://user:hush@a', 'https://a?key=hush', 'https://a#b'])(
    'have no API_URL such as %s',
    (value) => {
      const problem = settingsOf(midtrans)
        .find(({ name }) => name === 'API_URL')
        ?.problem?.(value)
      expect(problem).toBe('must be an http or https address, without credentials and query')
    },
  )

  it('may be as they should', () => {
    const settings = {
      OWNER: '12',
      ALLOWED_CIDRS: '203.0.113.7, fd00::/8',
      WEBHOOK_SECRETS_UNTIL: `2@${END}`,
    }
    expect(accountProblems(paymob, accountOf(settings), false)).toEqual([])
    expect(secretEnds(`1@${END},2@2026-12-31T02:00+02:00`)).toEqual([
      { index: 0, endMs: END_MS },
      { index: 1, endMs: END_MS },
    ])
  })
})

describe('a secret with an end', () => {
  const account = accountOf({ WEBHOOK_SECRETS_UNTIL: `1@${END}` }, ['ending', 'staying'])

  it('is active until then, to the millisecond, and its neighbours keep their places', () => {
    const before = activeAccount(account, END_MS - 1)
    expect([before.account, before.positionOf(1)]).toEqual([account, 1])
    const after = activeAccount(account, END_MS)
    expect([after.account.secrets, after.positionOf(0)]).toEqual([['staying'], 1])
  })

  it('is told apart from none: an account whose every secret has ended is none that needs none', () => {
    const ended = (secrets: string[], nowMs: number) =>
      activeAccount(accountOf({ WEBHOOK_SECRETS_UNTIL: `1@${END}` }, secrets), nowMs).hasEnded
    expect([ended(['one'], END_MS - 1), ended(['one'], END_MS), ended(['one', 'two'], END_MS)]).toEqual([
      false,
      true,
      false,
    ])
    expect(activeAccount(accountOf({}, []), END_MS).hasEnded).toBe(false)
  })

  it('costs no new account for each delivery: adapters keep keys by account', () => {
    expect(activeAccount(account, END_MS).account).toBe(activeAccount(account, END_MS + 1).account)
  })
})
