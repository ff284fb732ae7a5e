import type { GatewayAccounts } from './gateways.ts'
import { collectSecrets, secretProblems } from './secrets.ts'

const NEEDED_IN_PRODUCTION = [
  'DB_HOST',
  'DB_PASSWORD',
  'REDIS_HOST',
  'REDIS_PASSWORD',
  'JWT_SECRET',
  'INTERNAL_API_KEY',
] as const

/** Checked on the raw text, so that a misspelt port does not hide a missing secret. */
export function productionProblems(
  set: Readonly<Record<string, string>>,
  gateways: GatewayAccounts,
): readonly string[] {
  const needed = [...NEEDED_IN_PRODUCTION, ...(set.LARAVEL_API_URL === undefined ? [] : ['LARAVEL_API_KEY'])]
  const missing = needed.filter((name) => set[name] === undefined)
  const allowsEveryOrigin = set.WS_CORS_ORIGIN?.split(',').some((origin) => origin.trim() === '*') ?? false
  return [
    ...missing.map((name) => `${name} is missing; production needs it`),
    ...secretProblems(collectSecrets(set, gateways)),
    ...(allowsEveryOrigin ? ['WS_CORS_ORIGIN must name the origins in production, not *'] : []),
  ]
}
