import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Standing } from './live-driver.ts'

export type SearchSource = 'redis' | 'mysql'
/** index: to Redis. store: to the database. read: what the database says of drivers. */
export type PoolTurn = 'index' | 'store' | 'read'

export interface PoolMetrics {
  /** Drivers of this process, by what they do. */
  drivers(counts: Readonly<Record<Standing, number>>): void
  turned(turn: PoolTurn, drivers: number, seconds: number): void
  turnFailed(turn: PoolTurn): void
  searched(source: SearchSource, found: number, seconds: number): void
  /** A driver beyond the limit of this process. */
  full(): void
}

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const FOUND = [0, 1, 2, 5, 10, 20, 50]

/** Registers the metrics of the driver pool. Names and labels are documented in docs/operations.md. */
export function createPoolMetrics(registry: Registry): PoolMetrics {
  const registers = [registry]
  const name = (end: string) => `onceline_drivers_${end}`
  const drivers = new Gauge({
    name: name('here'),
    help: 'Drivers whose sockets are on this process, by what they do.',
    labelNames: ['standing'],
    registers,
  })
  const turns = new Histogram({
    name: name('turn_seconds'),
    help: 'What it takes to write positions to the index, to store them, and to read what the database says of drivers.',
    labelNames: ['turn'],
    buckets: SECONDS,
    registers,
  })
  const counts = new Counter({
    name: name('turn_drivers_total'),
    help: 'Drivers that were written, stored or read.',
    labelNames: ['turn'],
    registers,
  })
  const failures = new Counter({
    name: name('turns_failed_total'),
    help: 'Turns that Redis or the database did not carry out.',
    labelNames: ['turn'],
    registers,
  })
  const searches = new Histogram({
    name: name('search_seconds'),
    help: 'Searches for near drivers, by where they were answered.',
    labelNames: ['source'],
    buckets: SECONDS,
    registers,
  })
  const found = new Histogram({
    name: name('found'),
    help: 'Drivers that a search found.',
    buckets: FOUND,
    registers,
  })
  const full = new Counter({
    name: name('full_total'),
    help: 'Drivers who cannot be found because this process has too many.',
    registers,
  })
  return {
    drivers: (now) => {
      for (const [standing, count] of Object.entries(now)) drivers.set({ standing }, count)
    },
    turned: (turn, count, seconds) => {
      turns.observe({ turn }, seconds)
      counts.inc({ turn }, count)
    },
    turnFailed: (turn) => failures.inc({ turn }),
    searched: (source, count, seconds) => {
      searches.observe({ source }, seconds)
      found.observe(count)
    },
    full: () => full.inc(),
  }
}
