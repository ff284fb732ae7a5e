import { Counter, Gauge, type Registry } from 'prom-client'
import type { SessionState } from './presence-store.ts'

/** socket: it opened or closed. lease: its process was given up. grace: it was over. check: the process knew better than the database. */
export type MoveCause = 'socket' | 'lease' | 'grace' | 'check'
/** renew: the lease. check: the comparison with the database. sweep: the look for what is over. */
export type Turn = 'renew' | 'check' | 'sweep'
/** replaced: a newer socket owns the session. lapsed: the driver was taken offline while the process could not say anything. */
export type EvictionReason = 'replaced' | 'lapsed'

export interface PresenceMetrics {
  moved(to: SessionState, by: MoveCause, count: number): void
  /** This process's own lease was over. */
  leaseLost(): void
  /** Another process's lease was over, and its drivers are disconnected. */
  leaseSwept(): void
  evicted(reason: EvictionReason): void
  turnFailed(turn: Turn): void
  steady(seconds: number): void
  sessions(count: number): void
}

/** Registers the metrics of presence. Names and labels are documented in docs/operations.md. */
export function createPresenceMetrics(registry: Registry): PresenceMetrics {
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name: `onceline_presence_${name}`, help, labelNames: [...labelNames], registers })
  const moves = counter('moves_total', "Drivers' sessions by the state that they came to, and why.", [
    'to',
    'by',
  ])
  const lost = counter('leases_lost_total', 'How often this process found its own lease over.', [])
  const swept = counter('leases_swept_total', 'Leases of other processes that were over.', [])
  const evictions = counter('evictions_total', "Drivers' sockets that were closed for a newer state.", [
    'reason',
  ])
  const failures = counter('turns_failed_total', 'Turns that the database did not carry out.', ['turn'])
  const steady = new Gauge({
    name: 'onceline_presence_steady_seconds',
    help: 'For how long this process has renewed its lease without a long gap.',
    registers,
    aggregator: 'min',
  })
  const sessions = new Gauge({
    name: 'onceline_presence_sessions',
    help: 'Drivers whose newest socket is on this process.',
    registers,
  })
  return {
    moved: (to, by, count) => moves.inc({ to, by }, count),
    leaseLost: () => lost.inc(),
    leaseSwept: () => swept.inc(),
    evicted: (reason) => evictions.inc({ reason }),
    turnFailed: (turn) => failures.inc({ turn }),
    steady: (seconds) => steady.set(seconds),
    sessions: (count) => sessions.set(count),
  }
}
