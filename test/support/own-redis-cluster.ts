import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { expect, vi } from 'vitest'
import { findRedisBinary } from '../../db/embedded/binaries.ts'
import type { RedisServer } from '../../db/embedded/redis-server.ts'
import { startRedis } from '../../db/embedded/redis-server.ts'
import { openRedisNode, type RedisAddress, type RedisNode } from '../../db/redis.ts'

const DATA = resolve(import.meta.dirname, '../../.data')
const SLOTS = 16_384
const MASTERS = 3
/** Longer than a busy machine keeps a healthy node from answering. */
const NODE_TIMEOUT_MS = 3_000
const PATIENT = { timeout: 30_000, interval: 50 }

/** One node, and a client of it that waits for as long as it takes. */
export interface ClusterNode {
  readonly port: number
  readonly client: RedisNode
  id(): Promise<string>
  isAlive(): boolean
  kill(): Promise<void>
  /** Starts the killed node again, with what it had. */
  revive(): Promise<void>
}

/** A Redis Cluster of three masters and a replica of the first, that one test has for itself. */
export interface OwnRedisCluster {
  /** Of the last master, as an operator would name any of them. */
  readonly address: RedisAddress
  readonly masters: readonly [ClusterNode, ClusterNode, ClusterNode]
  readonly replica: ClusterNode
  /** Resolves when all nodes that live say that the cluster is well. */
  isWell(): Promise<void>
  /** Stops all nodes and removes their folder. */
  remove(): Promise<void>
}

export async function openOwnRedisCluster(name: string): Promise<OwnRedisCluster> {
  mkdirSync(DATA, { recursive: true })
  const folder = mkdtempSync(join(DATA, `${name}-`))
  const password = randomBytes(12).toString('hex')
  const opened: (ClusterNode & { close(): Promise<void> })[] = []
  const remove = async () => {
    await Promise.all(opened.map((node) => node.close()))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  try {
    for (let n = 0; n <= MASTERS; n++) opened.push(await openNode(join(folder, `node-${n}`), password))
    const [first, second, third, replica] = opened
    if (!first || !second || !third || !replica) throw new Error('there are four nodes')
    const isWell = () => untilWell(opened)
    await introduce(opened)
    await replica.client.cluster('REPLICATE', await first.id())
    await isWell()
    const link = async () => /^master_link_status:(\S+)/m.exec(await replica.client.info('replication'))?.[1]
    await vi.waitFor(async () => expect(await link()).toBe('up'), PATIENT)
    const address = { host: '127.0.0.1', port: third.port, password, isCluster: true }
    return { address, masters: [first, second, third], replica, isWell, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function openNode(
  dataDir: string,
  password: string,
): Promise<ClusterNode & { close(): Promise<void> }> {
  mkdirSync(dataDir, { recursive: true })
  const binary = findRedisBinary(dataDir)
  if (binary === undefined) throw new Error('there is no Redis here')
  const settings = [
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `cluster-node-timeout ${NODE_TIMEOUT_MS}`,
    `cluster-port ${await freePort()}`,
    `masterauth ${password}`,
    'repl-diskless-sync-delay 0',
  ]
  let isAlive = true
  let server: RedisServer = await startRedis(binary, dataDir, password, undefined, settings)
  const { port } = server
  const client = openRedisNode({ host: '127.0.0.1', port, password }, 'worker', () => undefined)
  return {
    port,
    client,
    id: async () => (await client.cluster('MYID')) as string,
    isAlive: () => isAlive,
    kill: () => {
      isAlive = false
      return server.process.end('SIGKILL')
    },
    revive: async () => {
      isAlive = true
      server = await startRedis(binary, dataDir, password, port, settings)
    },
    close: async () => {
      client.disconnect()
      await server.process.end('SIGKILL')
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Each master gets a third of the slots, and all meet the first. */
async function introduce(nodes: readonly ClusterNode[]): Promise<void> {
  const [first] = nodes
  for (const [n, { client }] of nodes.slice(0, MASTERS).entries()) {
    const from = Math.floor((SLOTS * n) / MASTERS)
    const to = Math.floor((SLOTS * (n + 1)) / MASTERS) - 1
    await client.cluster('ADDSLOTSRANGE', from, to)
  }
  for (const { client, port } of nodes.slice(1)) {
    const [, bus] = (await client.config('GET', 'cluster-port')) as [string, string]
    await first?.client.cluster('MEET', '127.0.0.1', port, Number(bus))
  }
  const known = async () =>
    Promise.all(nodes.map(async ({ client }) => field(await client.cluster('INFO'), 'cluster_known_nodes')))
  const all = nodes.map(() => String(nodes.length))
  await vi.waitFor(async () => expect(await known()).toEqual(all), PATIENT)
}

async function untilWell(nodes: readonly ClusterNode[]): Promise<void> {
  const states = async () =>
    Promise.all(
      nodes
        .filter((node) => node.isAlive())
        .map(async ({ client }) => field(await client.cluster('INFO'), 'cluster_state')),
    )
  await vi.waitFor(async () => expect(new Set(await states())).toEqual(new Set(['ok'])), PATIENT)
}

function field(info: unknown, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, 'm').exec(String(info))?.[1]
}
