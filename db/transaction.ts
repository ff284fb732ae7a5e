import { setTimeout as pause } from 'node:timers/promises'
import { isConnectionLost, isRetryable, StatementTimeout } from './errors.ts'
import type { Pool, PoolConnection } from './pools.ts'

export interface TransactionOptions {
  /** Tries on deadlock, lock wait time-out and changed record, the first included. */
  readonly attempts?: number
  /** The whole transaction's bound; when it is over the connection is destroyed and the effect is unknown. */
  readonly timeoutMs?: number
  /** Called when COMMIT has been written to the wire and is not answered yet. */
  readonly onCommitSent?: () => void
}

const DEFAULT_ATTEMPTS = 6
const DEFAULT_TIMEOUT_MS = 10_000
/** For a short read outside a transaction: a frozen database must not hold whoever asks for longer. */
export const READ_TIMEOUT_MS = 5_000
const RETRY_BASE_MS = 5

/**
 * Runs one named phase in one transaction and commits it. The phase may run several times (deadlocks), so it keeps its
 * results to itself until it returns. Throws what the phase throws, after a rollback; a connection lost around COMMIT
 * is thrown as it is, and the caller must treat the outcome as unknown (db/errors.ts: isConnectionLost).
 */
export function inTransaction<T>(
  pool: Pool,
  name: string,
  phase: (connection: PoolConnection) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  return inOwnTransaction(pool, name, (connection) => runOnce(connection, phase, options), options)
}

/**
 * As inTransaction, for work that begins its transaction itself (with `beginning`) and commits it, because it says more in
 * the same round trip.
 */
export async function inOwnTransaction<T>(
  pool: Pool,
  name: string,
  work: (connection: PoolConnection) => Promise<T>,
  { attempts = DEFAULT_ATTEMPTS, timeoutMs = DEFAULT_TIMEOUT_MS }: TransactionOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withConnection(pool, name, timeoutMs, work)
    } catch (error) {
      if (error instanceof NothingBegan && attempt >= attempts) throw error.cause
      if (attempt >= attempts || !(isRetryable(error) || error instanceof NothingBegan)) throw error
      await pause(RETRY_BASE_MS * attempt * (0.5 + Math.random()))
    }
  }
}

/** The first statement of a transaction: where the connection is lost in it another one may be tried, since nothing is done. */
export function beginning<T>(first: Promise<T>): Promise<T> {
  return first.catch((error: unknown) => {
    throw isConnectionLost(error) ? new NothingBegan(error) : error
  })
}

/** An idle connection was found closed at the very start, or was lost before any COMMIT: nothing was done, so another one may be tried. */
class NothingBegan extends Error {
  constructor(cause: unknown) {
    super('the connection was lost before the transaction began', { cause })
  }
}

async function runOnce<T>(
  connection: PoolConnection,
  phase: (connection: PoolConnection) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  await beginning(connection.query('START TRANSACTION'))
  const result = await phase(connection)
  const committed = connection.query('COMMIT')
  options.onCommitSent?.()
  await committed
  return result
}

/**
 * Lends a connection for one piece of work. `timeoutMs` bounds everything: waiting for the connection, the work, and the
 * rollback after an error; when it is over a StatementTimeout (or the work's own error) is thrown and the connection is
 * destroyed. mysql2's pool does not reset a returned connection, so after any error it is rolled back, and destroyed
 * where the rollback cannot be trusted.
 */
export async function withConnection<T>(
  pool: Pool,
  name: string,
  timeoutMs: number,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const endMs = performance.now() + timeoutMs
  const connection = await borrow(pool, name, timeoutMs)
  let timer: NodeJS.Timeout | undefined
  let settled = false
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        settled = true
        connection.destroy()
        reject(new StatementTimeout(name, timeoutMs))
      },
      Math.max(endMs - performance.now(), 0),
    )
    // The open connection keeps the process alive while it matters; once the pool was closed and has cut it, nobody waits any more.
    timer.unref()
  })
  try {
    const result = await Promise.race([work(connection), timedOut])
    connection.release()
    return result
  } catch (error) {
    clearTimeout(timer)
    if (!settled) await giveBack(connection, error, endMs)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function borrow(pool: Pool, name: string, timeoutMs: number): Promise<PoolConnection> {
  let timer: NodeJS.Timeout | undefined
  let late = false
  const asked = pool.getConnection()
  asked.then(
    (connection) => late && connection.release(),
    () => undefined,
  )
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true
      reject(new StatementTimeout(`${name}: waiting for a connection`, timeoutMs))
    }, timeoutMs)
    timer.unref()
  })
  try {
    return await Promise.race([asked, timedOut])
  } finally {
    clearTimeout(timer)
  }
}

const ROLLBACK_TIMEOUT_MS = 1_000

/** A destroyed connection never answers what was asked of it, so the rollback is raced and not merely awaited. */
async function giveBack(connection: PoolConnection, cause: unknown, endMs: number): Promise<void> {
  if (isConnectionLost(cause)) {
    connection.destroy()
    return
  }
  const leftMs = Math.max(endMs - performance.now(), 0)
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<'too late'>((resolve) => {
    timer = setTimeout(resolve, Math.min(leftMs, ROLLBACK_TIMEOUT_MS), 'too late')
  })
  const rolledBack = connection.query('ROLLBACK').then(
    () => 'done' as const,
    () => 'failed' as const,
  )
  if ((await Promise.race([rolledBack, tooLate])) === 'done') connection.release()
  else connection.destroy()
  clearTimeout(timer)
}
