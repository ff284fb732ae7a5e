import type { GatewayAccount } from './adapter.ts'
import { secretEnds } from './settings.ts'

/** An account with the secrets that are active now, and where each stands among all that are configured. */
export interface ActiveAccount {
  readonly account: GatewayAccount
  /** Position among the active secrets → position among the configured ones. */
  positionOf(index: number): number
  /** Secrets are configured, and none of them is active any more: that is not an account that needs none. */
  readonly hasEnded: boolean
}

interface Known extends ActiveAccount {
  /** The next moment at which a secret ends. */
  readonly untilMs: number
}

/** Accounts live as long as the process, and adapters keep keys by account: so one object for each set of active secrets. */
const knownAccounts = new WeakMap<GatewayAccount, Known>()

/** The account without the secrets whose end (WEBHOOK_SECRETS_UNTIL) has passed. */
export function activeAccount(account: GatewayAccount, nowMs: number): ActiveAccount {
  const known = knownAccounts.get(account)
  if (known !== undefined && nowMs < known.untilMs) return known
  const made = build(account, nowMs)
  knownAccounts.set(account, made)
  return made
}

function build(account: GatewayAccount, nowMs: number): Known {
  const ends = new Map(
    (secretEnds(account.settings.WEBHOOK_SECRETS_UNTIL ?? '') ?? []).map(({ index, endMs }) => [
      index,
      endMs,
    ]),
  )
  const active = [...account.secrets.keys()].filter(
    (index) => nowMs < (ends.get(index) ?? Number.POSITIVE_INFINITY),
  )
  const isWhole = active.length === account.secrets.length
  const upcoming = [...ends.values()].filter((endMs) => endMs > nowMs)
  return {
    account: isWhole ? account : { ...account, secrets: active.map((index) => account.secrets[index] ?? '') },
    positionOf: (index) => active[index] ?? index,
    hasEnded: active.length === 0 && !isWhole,
    untilMs: Math.min(Number.POSITIVE_INFINITY, ...upcoming),
  }
}
