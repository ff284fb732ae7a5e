import { setTimeout as pause } from 'node:timers/promises'
import type { FeedCheckpoint } from '../../src/base/checkpoint.ts'
import type { Chance } from './chance.ts'
import type { StormClient } from './storm-client.ts'
import type { Berth, StormScene } from './storm-scene.ts'
import type { StormWriters } from './storm-writers.ts'

/** The moments at which a process is killed, each at one of its first passings. */
const CHECKPOINTS = Object.keys({
  'feed:before-publish': true,
  'feed:listening': true,
  'feed:greeted': true,
  'feed:page-read': true,
  'feed:page-sent': true,
} satisfies Record<FeedCheckpoint, true>) as FeedCheckpoint[]
const PASSINGS = 4
const DEATH_TIMEOUT_MS = 30_000
/** Until a process is dead, so many clients come back again and again. */
const CUT_SHARE = 0.3
const CUT_AGAIN_MS = 300
const FILLING = { event: 'storm:filling', data: { filling: 'x'.repeat(7_000) } } as const
const FILLING_ROUNDS = 20

export interface StormChaosOptions {
  readonly scene: StormScene
  readonly clients: readonly StormClient[]
  readonly writers: StormWriters
  readonly chance: Chance
}

type Blow = readonly [name: string, strike: () => Promise<unknown>]

/** Everything that goes wrong: to sockets, to processes and to the servers of data, at once, in an order of the seed. */
export class StormChaos {
  /** How often each blow was struck. */
  readonly blows = new Map<string, number>()
  /** Sockets that were cut from the client's side. */
  cuts = 0
  readonly #scene: StormScene
  readonly #clients: readonly StormClient[]
  readonly #writers: StormWriters
  readonly #chance: Chance
  #youngest: Berth | null = null

  constructor({ scene, clients, writers, chance }: StormChaosOptions) {
    this.#scene = scene
    this.#clients = clients
    this.#writers = writers
    this.#chance = chance
  }

  /** Every blow once at least, and again until so many seconds are over. Everything runs again when it ends. */
  async run(seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1_000
    await Promise.all([
      this.#lane(this.#sockets(), 600, endMs),
      this.#lane(this.#processes(), 500, endMs),
      this.#lane(this.#data(), 1_000, endMs),
    ])
  }

  async #lane(blows: readonly Blow[], restMs: number, endMs: number): Promise<void> {
    for (let round = 1; round === 1 || performance.now() < endMs; round += 1) {
      for (const [name, strike] of this.#chance.shuffled(blows)) {
        if (round > 1 && performance.now() >= endMs) return
        await pause(this.#chance.between(0, 2 * restMs))
        await strike()
        this.blows.set(name, (this.blows.get(name) ?? 0) + 1)
      }
    }
  }

  #sockets(): Blow[] {
    const proxy = () => this.#chance.pick(this.#berth().proxies)
    return [
      ['sockets cut', async () => this.#cut(this.#chance.next() / 2)],
      ['a proxy cut', async () => proxy().cutAll()],
      ['links half open', async () => proxy().freezeLinks()],
      ['requests held back', async () => proxy().dropRequests()],
      ['a client stalled', () => this.#stall()],
    ]
  }

  #processes(): Blow[] {
    return [
      ['SIGKILL', () => this.#lose((berth) => berth.node.kill())],
      ['SIGTERM', () => this.#lose((berth) => this.#drain(berth), this.#oldest())],
      ...CHECKPOINTS.map(
        (checkpoint): Blow => [checkpoint, () => this.#lose((berth) => this.#dieAt(berth, checkpoint))],
      ),
    ]
  }

  #data(): Blow[] {
    const { redis } = this.#scene
    return [
      [
        'Redis killed',
        async () => {
          await redis.kill()
          await pause(this.#chance.between(0, 1_500))
          await redis.revive()
        },
      ],
      [
        'Redis frozen',
        async () => {
          redis.freeze()
          await pause(this.#chance.between(200, 3_000))
          redis.thaw()
        },
      ],
      ['Redis emptied', () => this.#scene.toRedis((admin) => admin.flushall())],
      [
        'subscribers killed',
        () => this.#scene.toRedis((admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')),
      ],
      ['database sessions killed', () => this.#scene.killSessions()],
    ]
  }

  async #lose(end: (berth: Berth) => Promise<unknown>, berth = this.#berth()): Promise<void> {
    await end(berth)
    await pause(this.#chance.between(0, 500))
    await this.#scene.replace(berth)
    this.#youngest = berth
  }

  async #drain({ node }: Berth): Promise<void> {
    const how = await node.drain()
    if (how !== 'code 0') throw new Error(`a process took leave with ${how}: ${node.words}`)
  }

  async #dieAt({ node }: Berth, checkpoint: FeedCheckpoint): Promise<void> {
    let isDead = false
    const death = node.dieAt(checkpoint, this.#chance.between(1, PASSINGS), DEATH_TIMEOUT_MS).finally(() => {
      isDead = true
    })
    while (!isDead) {
      this.#cut(CUT_SHARE)
      await Promise.race([death, pause(CUT_AGAIN_MS)])
    }
    await death
  }

  #cut(share: number): void {
    for (const client of this.#clients) {
      if (!this.#chance.happens(share)) continue
      client.cut()
      this.cuts += 1
    }
  }

  /** A client reads nothing while it is told more than its socket may hold. A proxy before it would hold all of it. */
  async #stall(): Promise<void> {
    const { urls } = this.#scene
    const direct = this.#clients.filter(({ door }) => door !== null && urls.includes(door))
    if (direct.length === 0) return
    const client = this.#chance.pick(direct)
    const { userId } = client
    client.stall()
    for (let round = 0; round < FILLING_ROUNDS; round += 1) {
      await this.#scene.publisher.publish(Array.from({ length: 50 }, () => ({ userId, ...FILLING })))
      await this.#writers.tell(userId, 15, FILLING.data.filling.length)
    }
    client.wake()
  }

  /** The process with the most clients: whoever comes back stays where he is. */
  #oldest(): Berth {
    return this.#scene.berths.find((berth) => berth !== this.#youngest) ?? this.#berth()
  }

  #berth(): Berth {
    return this.#chance.pick(this.#scene.berths)
  }
}
