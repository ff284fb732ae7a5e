import type { Mood } from './dead-laravel-stand-in.ts'

/** One measurement of some seconds. */
export interface Window {
  readonly phase: Mood | 'unsent' | 'recovery' | 'after'
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly webhooks: number
  /** Callbacks that were not finished when the window ended. */
  readonly backlog: number
  /** Of all service processes together. */
  readonly residentMib: number
  readonly cpuMicros: Readonly<Record<'service' | 'database' | 'redis', number>>
}
