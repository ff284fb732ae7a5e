import type { GatewayAccount } from '../webhooks/gateways/adapter.ts'
import { splitPair } from '../webhooks/gateways/kit/secret-form.ts'
import { type GatewayAccounts, secretsVariable, settingVariable } from './gateways.ts'
import { weaknessOf } from './secret-strength.ts'

/** One configured secret and the variable that holds it. */
export interface NamedSecret {
  readonly variable: string
  readonly value: string
  /** The shortest that production takes, in characters. */
  readonly minLength: number
  /** Gateways hand out what they like: two of their accounts may have the same secret. */
  readonly isGateways: boolean
}

const MIN_LENGTHS = {
  // Whoever holds a signed token or an answer may try these offline: 32 characters of base64 are 192 bits.
  JWT_SECRET: 32,
  JWT_SECRET_PREVIOUS: 32,
  INTERNAL_API_KEY: 32,
  INTERNAL_API_KEY_PREVIOUS: 32,
  LARAVEL_API_KEY: 16,
  // Can be tried only online, against a private address.
  DB_PASSWORD: 12,
  REDIS_PASSWORD: 12,
} as const
const FIXED_SECRETS = Object.keys(MIN_LENGTHS) as readonly (keyof typeof MIN_LENGTHS)[]
type SecretVariables = { readonly [name in keyof typeof MIN_LENGTHS]?: string | undefined }
const MIN_GATEWAY_SECRET_LENGTH = 16
/** A gateway's setting with such a name is a secret too (`PAYMOB_API_KEY`), an id of one is not (`RAZORPAY_KEY_ID`). */
const SECRET_SETTING = /(KEY|SECRET|TOKEN|PASSWORD)S?$/

/** Every secret that is set. */
export function collectSecrets(
  variables: SecretVariables,
  gateways: GatewayAccounts,
): readonly NamedSecret[] {
  const accounts = [...gateways.values()].flatMap((byAccount) => [...byAccount.values()])
  return [...fixedSecrets(variables), ...accounts.flatMap(accountSecrets)]
}

/** What no log may show: every secret, and of a gateway's pair also the half that opens the door by itself. */
export function withheldValues(secrets: readonly Pick<NamedSecret, 'value' | 'isGateways'>[]): string[] {
  return secrets.flatMap(({ value, isGateways }) => [value, ...(isGateways ? openingHalf(value) : [])])
}

/** Of `<user>:<password>` and `<public>:<private>` the second; of `<salt key>:<index>` the first. */
function openingHalf(value: string): readonly string[] {
  const [first, second] = splitPair(value) ?? []
  if (first === undefined || second === undefined) return []
  return /^\d{1,4}$/.test(second) ? [first] : [second]
}

/**
 * What production refuses: placeholders, weak secrets, and one value in two places, where a leak of the one would open
 * the other. The sentences name variables and never contain a value.
 */
export function secretProblems(secrets: readonly NamedSecret[]): readonly string[] {
  const weak = secrets.flatMap(({ variable, value, minLength }) => {
    const weakness = weaknessOf(value, minLength)
    return weakness === null ? [] : [`${variable} ${weakness}`]
  })
  const shared = secrets.flatMap((secret, index) => {
    const twin = secrets.slice(0, index).find((earlier) => isShared(earlier, secret))
    return twin === undefined ? [] : [`${secret.variable} must not have the same value as ${twin.variable}`]
  })
  return [...new Set([...weak, ...shared])]
}

function fixedSecrets(variables: SecretVariables): readonly NamedSecret[] {
  return FIXED_SECRETS.flatMap((variable) => {
    const value = variables[variable]
    return value === undefined
      ? []
      : [{ variable, value, minLength: MIN_LENGTHS[variable], isGateways: false }]
  })
}

function accountSecrets({ gateway, account, secrets, settings }: GatewayAccount): readonly NamedSecret[] {
  const shape = { minLength: MIN_GATEWAY_SECRET_LENGTH, isGateways: true }
  const ofSettings = Object.entries(settings).filter(([name]) => SECRET_SETTING.test(name))
  return [
    ...secrets.map((value) => ({ variable: secretsVariable(gateway, account), value, ...shape })),
    ...ofSettings.map(([name, value = '']) => ({
      variable: settingVariable(gateway, account, name),
      value,
      ...shape,
    })),
  ]
}

function isShared(a: NamedSecret, b: NamedSecret): boolean {
  return a.value === b.value && !(a.isGateways && b.isGateways)
}
