import { playgroundRoutes } from '../console/playground-routes.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'
import type { Webhooks } from './webhooks.ts'

/** The page for development; none where it is not asked for, or nobody could get a token. */
export function assemblePlayground(
  { playground = false, realtime, accounts }: AppOptions,
  { database }: Resources,
  { wake }: Webhooks,
) {
  const jwtSecret = realtime?.jwtSecrets[0]
  if (!playground || jwtSecret === undefined) return []
  const kashierSecret = accounts.get('kashier')?.get('default')?.secrets[0]
  return [playgroundRoutes({ pool: database.commands, jwtSecret, kashierSecret, onRegistered: wake })]
}
