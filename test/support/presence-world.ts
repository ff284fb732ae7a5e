import { strict as assert } from 'node:assert'
import { inTransaction } from '../../db/transaction.ts'
import { goOnline } from '../../src/realtime/presence/driver-duty.ts'
import type { TestDatabase } from './database.ts'
import { dutyOf, letPass, openNode, type SessionRow, SLOW, sessionOf, type TestNode } from './presence.ts'

const PLACE = { zoneId: 'zone-1', category: 'economy', position: { latitude: 30.0444, longitude: 31.2357 } }

type NodeIndex = 0 | 1

export type WorldStep =
  | { readonly kind: 'open' | 'close'; readonly node: NodeIndex; readonly user: string }
  /** kill: a new process takes its place, and nobody hears of the old one's sockets. stop: it drains. */
  | { readonly kind: 'kill' | 'stop' | 'check' | 'sweep'; readonly node: NodeIndex }
  | { readonly kind: 'pass'; readonly ms: number; readonly renewing: readonly NodeIndex[] }
  /** Sockets open, and everybody sweeps and checks, in the same moment. */
  | { readonly kind: 'at once'; readonly opens: readonly (readonly [NodeIndex, string])[] }

/** A socket as its driver's phone sees it: open until it is closed, evicted, or its process is killed. */
interface PhoneSocket {
  readonly node: TestNode
  readonly fence: number
}

const { graceMs, leaseMs, steadyGapMs } = SLOW
/** As the renewing loop would, without a gap. */
const STEP_MS = 0.9 * steadyGapMs
const TABLES = ['driver_sessions', 'node_leases', 'driver_details']

/**
 * Two processes and the phones of some drivers, by the phones' account: which sockets are open, and when each driver was last heard of. It
 * knows nothing of leases, and says after every step what must not have happened.
 */
export class PresenceWorld {
  readonly #database: TestDatabase
  readonly #users: readonly string[]
  readonly #nodes: TestNode[]
  readonly #opened: TestNode[] = []
  readonly #sockets = new Map<string, PhoneSocket[]>()
  readonly #opens = new Map<string, number>()
  /** Until when the driver was certainly there, in passed milliseconds. */
  readonly #lastHere = new Map<string, number>()
  readonly #before = new Map<string, SessionRow | null>()
  readonly #evictionsRead = new Map<TestNode, number>()
  #nowMs = 0

  private constructor(database: TestDatabase, users: readonly string[]) {
    this.#database = database
    this.#users = users
    this.#nodes = [this.#newNode(), this.#newNode()]
  }

  static async open(database: TestDatabase, users: readonly string[]): Promise<PresenceWorld> {
    for (const table of TABLES) await database.pool.query('DELETE FROM ??', [table])
    return new PresenceWorld(database, users)
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map(({ pool }) => pool.end()))
  }

  async take(step: WorldStep): Promise<void> {
    await this.#act(step)
    await Promise.all(this.#nodes.map(({ presence }) => presence.settled()))
    this.#hearEvictions()
    for (const user of this.#users) await this.#look(user, step)
  }

  /** All processes live and turn until nothing is left to be waited for. */
  async settle(): Promise<void> {
    // Until they may end what is over, and until what they ended first is over, too.
    for (const ms of [0, graceMs + leaseMs, graceMs + leaseMs]) {
      await this.take({ kind: 'pass', ms, renewing: [0, 1] })
      for (const node of [0, 1] as const) await this.take({ kind: 'check', node })
      for (const node of [0, 1] as const) await this.take({ kind: 'sweep', node })
    }
  }

  /** Everybody with a socket is connected by it and at work, and has no other; everybody else is offline and not at work. */
  async expectSettled(): Promise<void> {
    for (const user of this.#users) {
      const open = this.#sockets.get(user) ?? []
      const session = await sessionOf(this.#database.pool, user)
      const duty = await dutyOf(this.#database.pool, user)
      const [newest] = open
      if (newest) {
        const { fence } = newest
        const node = newest.node.presence.nodeId
        assert.equal(open.length, 1, `${user} has ${open.length} sockets`)
        assert.deepEqual(session, { fence, node, state: 'connected', graceSeconds: null }, user)
        assert.equal(duty, '1 available', user)
      } else {
        assert.equal(session?.state ?? 'offline', 'offline', user)
        assert.equal(duty ?? '0 unavailable', '0 unavailable', user)
      }
    }
  }

  async #act(step: WorldStep): Promise<void> {
    switch (step.kind) {
      case 'open':
        return this.#open(this.#node(step.node), step.user)
      case 'close':
        return this.#close(this.#node(step.node), step.user)
      case 'kill':
        this.#loseSockets(this.#node(step.node))
        this.#nodes[step.node] = this.#newNode()
        return
      case 'stop': {
        const leaving = this.#node(step.node)
        this.#loseSockets(leaving)
        await leaving.presence.stop(10_000)
        this.#nodes[step.node] = this.#newNode()
        return
      }
      case 'check':
        return this.#node(step.node).presence.check()
      case 'sweep':
        return this.#sweep(this.#node(step.node))
      case 'pass':
        return this.#pass(step.ms, step.renewing)
      case 'at once':
        await Promise.all([
          ...step.opens.map(([node, user]) => this.#open(this.#node(node), user)),
          ...this.#nodes.map((node) => this.#sweep(node)),
          ...this.#nodes.map(({ presence }) => presence.check()),
        ])
    }
  }

  async #open(node: TestNode, user: string): Promise<void> {
    this.#opens.set(user, (this.#opens.get(user) ?? 0) + 1)
    const fence = await node.presence.opened(user)
    const others = (this.#sockets.get(user) ?? []).filter((one) => one.node !== node)
    // The process itself closes its older ones; with several at once the newest stays.
    const mine = (this.#sockets.get(user) ?? []).filter((one) => one.node === node)
    const newest = mine.find((one) => one.fence > fence) ?? { node, fence }
    this.#sockets.set(
      user,
      [...others, newest].toSorted((x, y) => y.fence - x.fence),
    )
    this.#lastHere.set(user, this.#nowMs)
    const { pool } = this.#database
    await inTransaction(pool, 'go online', (connection) => goOnline(connection, user, PLACE))
  }

  #close(node: TestNode, user: string): void {
    const open = this.#sockets.get(user) ?? []
    const mine = open.find((one) => one.node === node)
    if (!mine) return
    if (this.#owns(user, mine) && this.#before.get(user)?.state === 'connected')
      this.#lastHere.set(user, this.#nowMs)
    this.#sockets.set(
      user,
      open.filter((one) => one !== mine),
    )
    node.presence.closed(user, mine.fence)
  }

  /** An older one may be open still, until its process hears of the newest. */
  #owns(user: string, { fence }: PhoneSocket): boolean {
    return fence === this.#opens.get(user)
  }

  #loseSockets(node: TestNode): void {
    for (const [user, open] of this.#sockets)
      this.#sockets.set(
        user,
        open.filter((one) => one.node !== node),
      )
  }

  async #sweep({ presence }: TestNode): Promise<void> {
    while (await presence.sweep());
  }

  async #pass(ms: number, renewing: readonly NodeIndex[]): Promise<void> {
    const stepMs = renewing.length === 0 ? ms : STEP_MS
    for (let passed = 0; passed < ms; passed += stepMs) {
      const nextMs = Math.min(stepMs, ms - passed)
      await letPass(this.#database.pool, nextMs)
      this.#nowMs += nextMs
      for (const index of renewing) await this.#renew(this.#node(index))
    }
  }

  /** Whoever has the newest socket on a process that renews is there. */
  async #renew(node: TestNode): Promise<void> {
    await node.presence.renew()
    this.#hearEvictions()
    for (const [user, [newest]] of this.#sockets)
      if (newest?.node === node && this.#owns(user, newest)) this.#lastHere.set(user, this.#nowMs)
  }

  #hearEvictions(): void {
    for (const node of this.#opened) {
      const lines = node.evicted.slice(this.#evictionsRead.get(node) ?? 0)
      this.#evictionsRead.set(node, node.evicted.length)
      for (const line of lines) {
        const [, user = '', below = ''] = /^(\S+) below (\d+)/.exec(line) ?? []
        const kept = (one: PhoneSocket) => one.node !== node || one.fence >= Number(below)
        this.#sockets.set(user, (this.#sockets.get(user) ?? []).filter(kept))
      }
    }
  }

  /** What must hold after every step. */
  async #look(user: string, step: WorldStep): Promise<void> {
    const session = await sessionOf(this.#database.pool, user)
    const before = this.#before.get(user) ?? null
    const told = `${user} after ${JSON.stringify(step)}: ${JSON.stringify(before)} → ${JSON.stringify(session)}`
    assert.equal(session?.fence ?? 0, this.#opens.get(user) ?? 0, `a fence a socket: ${told}`)
    if (session?.state === 'offline' && before?.state !== 'offline')
      assert.ok(this.#nowMs - (this.#lastHere.get(user) ?? 0) >= graceMs, `offline too early: ${told}`)
    if (session?.state === 'disconnected' && before?.state === 'offline')
      assert.fail(`offline is left by a socket alone: ${told}`)
    this.#before.set(user, session)
  }

  #node(index: NodeIndex): TestNode {
    const node = this.#nodes[index]
    assert.ok(node)
    return node
  }

  #newNode(): TestNode {
    const node = openNode(this.#database.address)
    this.#opened.push(node)
    return node
  }
}
