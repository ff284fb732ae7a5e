import { DEFAULT_ACCOUNT, type GatewayAccount } from '../webhooks/gateways/adapter.ts'
import { splitList, VARIABLE_NAMES } from './variables.ts'

const SECRETS = 'WEBHOOK_SECRETS'
/** What `webhook_events.account` holds. */
const MAX_ACCOUNT_LENGTH = 64

/** gateway → account → what was configured for it. A gateway without any configured account is absent. */
export type GatewayAccounts = ReadonlyMap<string, ReadonlyMap<string, GatewayAccount>>

export interface GatewayVariables {
  readonly accounts: GatewayAccounts
  readonly problems: readonly string[]
  /** The default accounts' secret variables that are not set, by name. */
  readonly missingSecrets: readonly string[]
}

/** `standard-webhooks` → `STANDARD_WEBHOOKS`. */
export function variablePrefix(gateway: string): string {
  return gateway.toUpperCase().replaceAll('-', '_')
}

/** `stripe` → `STRIPE_WEBHOOK_SECRETS`; another account: `STRIPE__CAIRO__WEBHOOK_SECRETS`. */
export function secretsVariable(gateway: string, account: string = DEFAULT_ACCOUNT): string {
  return settingVariable(gateway, account, SECRETS)
}

/** The variable of one setting of one account: `PAYMOB_OWNER`, `PAYMOB__CAIRO__OWNER`. */
export function settingVariable(gateway: string, account: string, name: string): string {
  return account === DEFAULT_ACCOUNT
    ? `${variablePrefix(gateway)}_${name}`
    : `${variablePrefix(gateway)}__${variablePrefix(account)}__${name}`
}

/**
 * Reads `<GATEWAY>_<NAME>` for default accounts and `<GATEWAY>__<ACCOUNT>__<NAME>` for others. Expects an environment
 * without blank values. `mayGenerate`: the secrets of default accounts will be made up (development), so that settings
 * without them are no problem there. `secretsOptional`: gateways of which one setting makes an account.
 */
export function readGateways(
  env: Readonly<Record<string, string>>,
  gateways: readonly string[],
  mayGenerate: boolean,
  secretsOptional: ReadonlySet<string> = new Set(),
): GatewayVariables {
  const drafts = new Map<string, Draft>()
  const problems: string[] = []
  for (const [variable, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const place = placeOf(variable, gateways)
    if (place.kind === 'problem') problems.push(`${variable} ${place.expected}`)
    if (place.kind === 'setting') draftOf(drafts, place).values.set(place.name, value)
  }
  const accounts = new Map<string, Map<string, GatewayAccount>>()
  for (const draft of drafts.values()) {
    const account = finish(draft)
    if (account.secrets.length > 0 || secretsOptional.has(draft.gateway))
      accountsOf(accounts, draft.gateway).set(draft.account, account)
    else if (!(mayGenerate && draft.account === DEFAULT_ACCOUNT)) problems.push(secretsMissing(draft))
  }
  const missingSecrets = gateways
    .filter((gateway) => !accounts.get(gateway)?.has(DEFAULT_ACCOUNT) && !secretsOptional.has(gateway))
    .map((gateway) => secretsVariable(gateway))
  return { accounts, problems, missingSecrets }
}

/** Says why an account cannot work, in sentences that begin with the NAME of a setting or with WEBHOOK_SECRETS. */
export type AccountCheck = (account: GatewayAccount, isProduction: boolean) => readonly string[]

/** What `check` finds in any account, with the whole name of the variable in front. */
export function accountProblems(
  accounts: GatewayAccounts,
  isProduction: boolean,
  check: AccountCheck,
): readonly string[] {
  const all = [...accounts.values()].flatMap((byAccount) => [...byAccount.values()])
  return all.flatMap((account) =>
    check(account, isProduction).map((sentence) =>
      settingVariable(account.gateway, account.account, sentence),
    ),
  )
}

interface Draft {
  readonly gateway: string
  readonly account: string
  readonly values: Map<string, string>
}

type Place =
  | { readonly kind: 'unrelated' }
  | { readonly kind: 'problem'; readonly expected: string }
  | { readonly kind: 'setting'; readonly gateway: string; readonly account: string; readonly name: string }

/** Only upper-case names can be ours; `npm_config_…` and `ConnectionStrings__Main` belong to others. */
function placeOf(variable: string, gateways: readonly string[]): Place {
  if (!/^[A-Z][A-Z0-9_]*$/.test(variable) || VARIABLE_NAMES.includes(variable)) return { kind: 'unrelated' }
  const parts = variable.split('__')
  return parts.length === 1 ? placeOfDefault(variable, gateways) : placeOfAccount(parts, gateways)
}

function placeOfDefault(variable: string, gateways: readonly string[]): Place {
  // The longest prefix wins, should one gateway's name ever begin with another's.
  const gateway = gateways
    .filter((name) => variable.startsWith(`${variablePrefix(name)}_`))
    .sort((a, b) => b.length - a.length)[0]
  if (gateway === undefined) {
    return variable.endsWith(`_${SECRETS}`) ? unknownGateway(gateways) : { kind: 'unrelated' }
  }
  return setting(gateway, DEFAULT_ACCOUNT, variable.slice(variablePrefix(gateway).length + 1))
}

function placeOfAccount(parts: readonly string[], gateways: readonly string[]): Place {
  const [prefix = '', accountPart = '', name = ''] = parts
  const gateway = gateways.find((one) => variablePrefix(one) === prefix)
  const isWhole = parts.length === 3 && parts.every((part) => /^[A-Z0-9]+(_[A-Z0-9]+)*$/.test(part))
  if (gateway === undefined) return isWhole ? unknownGateway(gateways) : { kind: 'unrelated' }
  if (!isWhole) return { kind: 'problem', expected: `must have the form ${prefix}__<ACCOUNT>__<NAME>` }
  const account = accountPart.toLowerCase().replaceAll('_', '-')
  if (account === DEFAULT_ACCOUNT) {
    return { kind: 'problem', expected: `must be named ${prefix}_${name}: the default account has no name` }
  }
  if (account.length > MAX_ACCOUNT_LENGTH) {
    return { kind: 'problem', expected: `names an account of more than ${MAX_ACCOUNT_LENGTH} characters` }
  }
  return setting(gateway, account, name)
}

function setting(gateway: string, account: string, name: string): Place {
  // The likeliest mistake, and it would put a secret among the settings.
  return name === 'WEBHOOK_SECRET'
    ? { kind: 'problem', expected: `must be named ${secretsVariable(gateway, account)} (plural)` }
    : { kind: 'setting', gateway, account, name }
}

function unknownGateway(gateways: readonly string[]): Place {
  return {
    kind: 'problem',
    expected: `names an unknown gateway; known are ${gateways.map(variablePrefix).join(', ')}`,
  }
}

function draftOf(
  drafts: Map<string, Draft>,
  { gateway, account }: { gateway: string; account: string },
): Draft {
  const key = `${gateway}/${account}`
  const draft = drafts.get(key) ?? { gateway, account, values: new Map() }
  drafts.set(key, draft)
  return draft
}

function finish({ gateway, account, values }: Draft): GatewayAccount {
  const secrets = [...new Set(splitList(values.get(SECRETS) ?? ''))]
  const settings = Object.fromEntries([...values].filter(([name]) => name !== SECRETS))
  return { gateway, account, secrets, settings }
}

function secretsMissing({ gateway, account, values }: Draft): string {
  const variable = secretsVariable(gateway, account)
  const others = [...values.keys()]
    .filter((name) => name !== SECRETS)
    .map((name) => settingVariable(gateway, account, name))
  return others.length === 0
    ? `${variable} must hold at least one secret`
    : `${variable} is missing, though ${others.join(', ')} is set`
}

function accountsOf(
  accounts: Map<string, Map<string, GatewayAccount>>,
  gateway: string,
): Map<string, GatewayAccount> {
  const known = accounts.get(gateway) ?? new Map<string, GatewayAccount>()
  accounts.set(gateway, known)
  return known
}
