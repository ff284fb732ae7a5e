import type { DriverSession, OwnSession } from './presence-store.ts'

/** What the database says of one driver whom this process has and it does not have as connected here. */
export type Finding =
  /** It was only read a moment too early. */
  | { readonly kind: 'fine' }
  /** He was taken for disconnected: say that he is here. */
  | { readonly kind: 'assert' }
  /** Sockets with a lower fence are no longer his. */
  | { readonly kind: 'evict'; readonly below: number; readonly reason: 'replaced' | 'lapsed' }

export interface Differences {
  /** Drivers whom the database has here by this fence, and who have no socket here: their closing was not heard. */
  readonly strays: readonly OwnSession[]
  /** Drivers who have a socket here, and whom the database does not have here by its fence. */
  readonly missing: readonly OwnSession[]
}

/**
 * Compares who is here with who is connected here according to the database. `before` is who was here when it was asked, `now` who is
 * since it answered; whose socket is just being opened counts as neither.
 */
export function compareSessions(
  connected: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
  isOpening: (userId: string) => boolean,
): Differences {
  const strays = [...connected].filter(([userId]) => !now.has(userId) && !isOpening(userId))
  const missing = [...before].filter(
    ([userId, fence]) => now.get(userId) === fence && connected.get(userId) !== fence && !isOpening(userId),
  )
  return { strays, missing }
}

/**
 * What to do about a driver who has a socket here with this fence. Offline by the same fence: his grace ended while this process could
 * not say anything, and he has to learn it, so that his socket goes and he comes back. The same where his row is gone or older than
 * his socket, as after a restore; and where a newer socket has come and gone: it may be an older one of the same phone, which another
 * process wrote late, and to be told that he is replaced would keep him away for good.
 */
export function judgeSession(fence: number, session: DriverSession | undefined): Finding {
  if (session === undefined || session.fence < fence)
    return { kind: 'evict', below: fence + 1, reason: 'lapsed' }
  if (session.fence > fence) {
    const reason = session.state === 'connected' ? 'replaced' : 'lapsed'
    return { kind: 'evict', below: session.fence, reason }
  }
  switch (session.state) {
    case 'connected':
      return { kind: 'fine' }
    case 'disconnected':
      return { kind: 'assert' }
    case 'offline':
      return { kind: 'evict', below: fence + 1, reason: 'lapsed' }
  }
}
