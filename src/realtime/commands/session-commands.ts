import type { Clock } from '../../base/clock.ts'
import { type TokenRules, verifyToken } from '../door/token.ts'
import type { RealtimeMetrics } from '../metrics.ts'
import { type Handlers, type NaturalHandler, type Outcome, ok, refusedForNow } from './command.ts'

export interface SessionCommandsOptions {
  readonly tokens: TokenRules
  readonly metrics: Pick<RealtimeMetrics, 'tokenChecked'>
  readonly clock: Clock
}

/** The commands about the connection itself. */
export function sessionCommands({ tokens, metrics, clock }: SessionCommandsOptions): Handlers {
  return {
    ping: {
      kind: 'natural',
      limit: null,
      handle: () => ok({ serverTime: clock.nowMs() }),
      pushesOf: (outcome) => (outcome.ok ? [{ event: 'pong', data: outcome.data }] : []),
    },
    'feed:resume': {
      kind: 'natural',
      limit: 'command',
      handle: ({ connection }, { since }) => {
        connection.resume(since)
        return ok()
      },
    },
    'feed:ack': {
      kind: 'natural',
      limit: null,
      handle: ({ connection }, { seq }) => {
        connection.acknowledged(seq)
        return ok()
      },
    },
    'auth:refresh': refreshing(tokens, metrics),
  }
}

/** A connection stays its user's: whoever is somebody else by now connects anew. */
function refreshing(
  tokens: TokenRules,
  metrics: SessionCommandsOptions['metrics'],
): NaturalHandler<'auth:refresh'> {
  return {
    kind: 'natural',
    limit: 'command',
    handle: async ({ connection, user }, { token }): Promise<Outcome> => {
      const verdict = verifyToken(token, tokens)
      metrics.tokenChecked(verdict)
      if (verdict.kind === 'refused')
        return refusedForNow('token_refused', `The token is refused: ${verdict.reason}.`)
      const { userId, userType, expiresAtMs } = verdict.user
      if (userId !== user.userId || userType !== user.userType)
        return refusedForNow('token_of_another', 'The token is of another user: connect with it.')
      connection.renew(verdict.user)
      return ok({ expiresAt: expiresAtMs })
    },
  }
}
