import { strict as assert } from 'node:assert'
import { Registry } from 'prom-client'
import { type CommandPool, openCommandPool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { createLogger } from '../../src/base/log.ts'
import { Dispatcher, type DispatcherOptions } from '../../src/matching/dispatch/dispatcher.ts'
import { createDispatchMetrics } from '../../src/matching/dispatch/metrics.ts'
import { Decider } from '../../src/matching/dispatch/policies/decide.ts'
import { DEFAULT_SETTINGS, type DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import { playWindows } from '../../src/matching/dispatch/windows.ts'
import type { NearbyDrivers, Position } from '../../src/matching/drivers/nearby.ts'
import { straightLine } from '../../src/matching/drivers/route-estimate.ts'
import { connectedAmong } from '../../src/realtime/presence/presence-store.ts'
import type { TestDatabase } from './database.ts'
import { DRIVERS, type MatchingAct, type MatchingStep } from './matching-acts.ts'
import { wrongMatching } from './matching-look.ts'
import { driverId, MatchingPeople } from './matching-people.ts'
import { type MovedClock, movedPool } from './moved-pool.ts'
import { Stepper } from './stepper.ts'

const TABLES = [
  ...[
    'trip_requests',
    'trip_status',
    'trip_details',
    'trip_transitions',
    'trip_offers',
    'trip_bids',
    'fare_biddings',
  ],
  ...[
    'trip_dispatches',
    'dispatch_windows',
    'dispatch_decisions',
    'driver_details',
    'driver_sessions',
    'driver_standings',
    'driver_positions',
  ],
]
/** Whatever the day is. */
const BEGINNING_MS = Date.UTC(2030, 0, 1)
const SETTINGS: DispatchSettings = {
  ...DEFAULT_SETTINGS,
  policy: 'nearest',
  maxDrivers: 2,
  biddingMs: 30_000,
}
const RULES = { settingsOf: () => SETTINGS }

/** Where drivers are, for all processes. */
export interface WorldMap extends NearbyDrivers {
  put(driverId: string, position: Position): unknown
  remove(driverId: string): unknown
}

/** What a process has to find drivers with, and its own connections. */
interface WorldNode {
  readonly pool: CommandPool
  readonly tools: Omit<DispatcherOptions, 'log'> & Parameters<typeof playWindows>[0]
  readonly dispatcher: Dispatcher
  close(): Promise<void>
}

/** Two processes over one database whose clock the test moves, riders, and drivers on a map. */
export class MatchingWorld {
  readonly #database: TestDatabase
  readonly #clock: MovedClock = { nowMs: BEGINNING_MS }
  readonly #stepper = new Stepper()
  readonly #map: WorldMap
  readonly #nodes: readonly [WorldNode, WorldNode]
  readonly #people: MatchingPeople
  /** How many acts did something, by their names. */
  readonly done: Map<string, number>

  private constructor(database: TestDatabase, done: Map<string, number>, map: WorldMap) {
    this.#database = database
    this.#map = map
    this.done = done
    this.#nodes = [this.#newNode(), this.#newNode()]
    const pools = this.#nodes.map(({ pool }) => pool)
    this.#people = new MatchingPeople(database.pool, pools, RULES, async (node, tripIds) => {
      const { dispatcher } = this.#nodes[node === 0 ? 0 : 1]
      dispatcher.wake(tripIds)
      await dispatcher.idle()
    })
  }

  /** Drivers are where `map` says; `done` counts. */
  static async open(
    database: TestDatabase,
    done: Map<string, number>,
    map: WorldMap,
  ): Promise<MatchingWorld> {
    for (const table of TABLES) await database.pool.query('DELETE FROM ??', [table])
    const world = new MatchingWorld(database, done, map)
    for (let driver = 0; driver < DRIVERS; driver += 1) {
      await database.pool.query(
        `INSERT INTO driver_sessions (user_id, fence, node_id, state, grace_until, changed_at)
         VALUES (?, 1, 'node', 'connected', NULL, UTC_TIMESTAMP(3))`,
        [driverId(driver)],
      )
      await world.take({ kind: 'online', driver })
      await world.take({ kind: 'appear', driver })
    }
    return world
  }

  close(): Promise<unknown> {
    return Promise.all(this.#nodes.map((node) => node.close()))
  }

  async take(step: MatchingStep): Promise<void> {
    if (step.kind === 'pass') this.#clock.nowMs += step.ms
    else if (step.kind === 'at once') await this.#atOnce(step.acts, step.turns)
    else if (step.kind === 'accept') await this.#acceptAsFar(step)
    else await this.#act(step)
    const wrong = await wrongMatching(this.#database.pool)
    assert.deepEqual(wrong, [], `after ${JSON.stringify(step)}`)
  }

  /** Time passes until nothing can be left to wait for, and the processes do their work: then nobody waits. */
  async settle(): Promise<void> {
    const turns = Math.ceil(SETTINGS.matchTimeoutMs / SETTINGS.offerMs) + 2
    for (let turn = 0; turn < turns; turn += 1) {
      const node = turn % 2 === 0 ? 0 : 1
      this.#clock.nowMs += SETTINGS.offerMs
      for (const kind of ['dispatch', 'window', 'strays'] as const) await this.#act({ kind, node })
      // What is opened in one turn is over in the next.
      this.#clock.nowMs += SETTINGS.windowMs
      await this.take({ kind: 'window', node })
    }
    const [waiting] = await this.#database.pool.query<RowDataPacket[]>(
      "SELECT id FROM trip_requests WHERE current_status = 'pending' UNION SELECT trip_id FROM trip_dispatches",
    )
    assert.deepEqual(waiting, [], 'somebody waits for ever')
    const [live] = await this.#database.pool.query<RowDataPacket[]>(
      "SELECT id FROM trip_offers WHERE state = 'offered'",
    )
    assert.deepEqual(live, [], 'an offer lives for ever')
  }

  async #atOnce(acts: readonly MatchingAct[], turns: readonly number[]): Promise<void> {
    let turn = 0
    const choose = (count: number): number => {
      turn += 1
      return (turns[turn % turns.length] ?? 0) % count
    }
    await this.#stepper.play(
      acts.map((act) => () => this.#act(act)),
      choose,
    )
  }

  /** An acceptance by itself has to be what the tables say beforehand. */
  async #acceptAsFar(act: Extract<MatchingAct, { kind: 'accept' | 'reject' }>): Promise<void> {
    const offer = await this.#people.offerOf(act)
    if (offer === undefined) return
    const pool = this.#database.pool
    const [[trip]] = await pool.query<RowDataPacket[]>(
      `SELECT t.current_status, t.driver_id, s.policy FROM trip_requests AS t
       LEFT JOIN trip_dispatches AS s ON s.trip_id = CAST(t.id AS CHAR CHARACTER SET ascii) WHERE t.id = ?`,
      [offer.trip_id],
    )
    const [[busy]] = await pool.query<RowDataPacket[]>(
      "SELECT COUNT(*) AS rides FROM trip_requests WHERE driver_id = ? AND current_status IN ('accepted', 'ongoing')",
      [offer.driver_id],
    )
    const isLive = offer.state === 'offered' && offer.expires_at.getTime() > this.#clock.nowMs
    const isFree = Number(busy?.rides) === 0
    const may = isLive && trip?.current_status === 'pending' && trip.policy !== 'bidding' && isFree
    const kind = await this.#act(act)
    assert.equal(
      kind === 'accepted',
      may,
      `${kind} by an offer that is ${offer.state}, of ${JSON.stringify(trip)}`,
    )
  }

  async #act(act: MatchingAct): Promise<string> {
    const did = await this.#perform(act)
    const name = `${act.kind}: ${did}`
    this.done.set(name, (this.done.get(name) ?? 0) + 1)
    return did
  }

  /** What it came to, in a word. */
  async #perform(act: MatchingAct): Promise<string> {
    switch (act.kind) {
      case 'appear':
        await this.#map.put(driverId(act.driver), {
          latitude: 30.0444 + 0.004 * act.driver,
          longitude: 31.2357,
        })
        return 'done'
      case 'vanish':
        await this.#map.remove(driverId(act.driver))
        return 'done'
      case 'dispatch':
        await this.#nodes[act.node].dispatcher.runOnce()
        return 'done'
      case 'window':
        await playWindows(this.#nodes[act.node].tools)
        return 'done'
      case 'strays':
        await this.#nodes[act.node].dispatcher.endStrays()
        return 'done'
      default:
        return this.#people.perform(act)
    }
  }

  #newNode(): WorldNode {
    const own = openCommandPool(this.#database.address, 6)
    const pool = movedPool(own, this.#clock, this.#stepper.gate)
    const tools = {
      ...{
        pool,
        nearby: this.#map,
        estimate: straightLine,
        connected: connectedAmong,
        decide: new Decider().decide,
        rules: RULES,
      },
      ...{
        callbacks: true,
        ring: () => undefined,
        publish: async () => undefined,
        answered: () => undefined,
      },
      metrics: createDispatchMetrics(new Registry()),
    }
    const dispatcher = new Dispatcher({ ...tools, log: createLogger({ level: 'silent' }) })
    return { pool, tools, dispatcher, close: () => own.end() }
  }
}
