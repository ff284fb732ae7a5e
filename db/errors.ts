/** Transaction rolled back or statement timed out by the server; the same work may be tried again at once. */
const RETRYABLE_ERRNO = new Set([1205, 1213, 1020])

/** The server or the link went away; whether the last statement took effect is not known. */
const LOST_CODES = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_NORMAL_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  // MySQL's goodbye to a session that was idle for its wait_timeout, when it crosses our next statement.
  'ER_CLIENT_INTERACTION_TIMEOUT',
  'POOL_CLOSED',
])

/** What an operator has to mend or a failover ends; every row of every batch would meet the same answer. */
const SERVER_TROUBLE_ERRNO = new Set([
  ...[1290, 1792, 1836], // read-only server
  ...[1021, 1114], // disk or tablespace full
  ...[1040, 1203, 1226], // too many connections
  ...[1317, 1969, 3024, 1053, 1927], // interrupted, timed out, shut down, killed
  ...[1180, 1181], // the commit or the rollback failed
  ...[1044, 1045, 1049, 1142, 1143, 1146], // no such right, database or table
])

/** A statement was not answered in time. Its connection has been destroyed; its effect is unknown. */
export class StatementTimeout extends Error {
  readonly code = 'STATEMENT_TIMEOUT'
  constructor(phase: string, timeoutMs: number) {
    super(`${phase}: the database did not answer within ${timeoutMs} ms`)
  }
}

/** Deadlock, lock wait time-out, or a record that changed since it was read (1213, 1205, 1020). */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE_ERRNO.has(errno(error))
}

/** Error 1205: a row lock was not had in time. Only the statement was undone; the transaction is still open. */
export function isLockWaitTimeout(error: unknown): boolean {
  return errno(error) === 1205
}

/** The database is away, frozen or closing: nothing is known of the last statement, and another try may succeed later. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof StatementTimeout) return true
  if (typeof error !== 'object' || error === null) return false
  const { code, fatal, message } = error as { code?: string; fatal?: boolean; message?: string }
  if (code !== undefined && LOST_CODES.has(code)) return true
  if (fatal === true) return true
  return /closed state|Pool is closed|Connection lost/i.test(message ?? '')
}

/**
 * The server's own condition and no fault of the statement's rows: read-only during a failover, a full disk, too many
 * connections, an interrupted or killed statement, a failed commit, missing rights or tables. Nothing is known of the
 * last statement, and another try may succeed later.
 */
export function isServerTrouble(error: unknown): boolean {
  return SERVER_TROUBLE_ERRNO.has(errno(error))
}

/** The database is away or in trouble: the statement is not to blame, and another try at once would meet the same. */
export function isDatabaseAway(error: unknown): boolean {
  return isConnectionLost(error) || isServerTrouble(error)
}

/**
 * The database is away, in trouble or too busy, and the statement is not to blame: another try may succeed later. Whether
 * the last one took effect is not known.
 */
export function isUnavailable(error: unknown): boolean {
  return isDatabaseAway(error) || isRetryable(error)
}

/** Error 1062, whichever unique index it was. */
export function isDuplicateEntry(error: unknown): boolean {
  return errno(error) === 1062
}

/** Error 1062, told apart by the name of the unique index. */
export function isDuplicateKey(error: unknown, indexName: string): boolean {
  return errno(error) === 1062 && error instanceof Error && error.message.includes(indexName)
}

/**
 * Error 1364, 1048 or 1452: the table, which is somebody else's, asks for a column that we do not fill, or have nothing for, or for
 * a row that is not there. Only the statement was undone.
 */
export function isIncompleteRow(error: unknown): boolean {
  return [1364, 1048, 1452].includes(errno(error))
}

/** Error 1050, 1060, 1061 or 1091: the table, column or index stands already, or is gone already. */
export function alreadyDone(error: unknown): boolean {
  return [1050, 1060, 1061, 1091].includes(errno(error))
}

/** Error 1054: the table, which is somebody else's, has no such column. Only the statement was undone. */
export function isUnknownColumn(error: unknown): boolean {
  return errno(error) === 1054
}

/** Error 1146: there is no such table. */
export function isMissingTable(error: unknown): boolean {
  return errno(error) === 1146
}

function errno(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 0
  return (error as { errno?: number }).errno ?? 0
}
