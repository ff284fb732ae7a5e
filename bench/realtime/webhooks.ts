import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { DataHost } from '../../db/embedded/data-host.ts'
import { newSecret } from '../../src/webhooks/gateways/samples/samples.ts'
import { registerPayments } from '../backlog.ts'
import { type Child, startChild } from '../child.ts'
import { countRows } from '../data.ts'
import type { LoadReport } from '../load.ts'
import type { LoadOrder } from '../load-client.ts'
import { progress, WrongResult } from '../report.ts'
import { medians } from '../statistics.ts'
import { count, decimal, table } from '../table.ts'
import type { Part } from './part.ts'
import { type Ages, agesOf } from './payment-ages.ts'
import type { StreamOrder } from './server.ts'
import type { PaymentNote } from './sockets.ts'
import type { SocketsReport } from './sockets-client.ts'
import { openSockets, type Stage, watchServers, withStage } from './stage.ts'
import { userIdOf } from './tokens.ts'

export interface WebhooksOptions {
  /** Webhooks alone and webhooks beside messages, in turns. */
  readonly turns: number
  readonly turnSeconds: number
  readonly sockets: number
  readonly messagesPerSocketSecond: number
  readonly webhooksPerSecond: number
}

/** `busyCores`: how many cores all processes together kept busy. */
type Figures = Ages & Record<'webhookP50Ms' | 'webhookP99Ms' | 'busyCores', number>

const GATEWAY = 'stripe'
const CONNECTIONS = 16
const BODY_BYTES = 1_500
/** Not measured: until all code is compiled, webhooks and messages. */
const WARM_UP_SECONDS = 5
/** The messages flow before the first webhook comes. */
const LEAD_MS = 500
const TIMEOUT_MS = 20_000
/** One takes the webhooks, the other has the messages to send; both hold half of the sockets. */
const TAKER = 0
const TELLER = 1

/** Webhooks at a steady rate, alone and while every socket is told something many times a second. */
export async function measureWebhooks(host: DataHost, options: WebhooksOptions): Promise<Part> {
  const { sockets, messagesPerSocketSecond, webhooksPerSecond, turns } = options
  const { alone, beside } = await runTurns(host, options)
  const p99ToAlone = beside.webhookP99Ms / alone.webhookP99Ms
  const rows = [
    ['alone', alone] as const,
    [`beside ${count(sockets * messagesPerSocketSecond)} messages a second`, beside] as const,
  ].map(([label, figures]) => [
    label,
    ...[
      figures.webhookP50Ms,
      figures.webhookP99Ms,
      figures.writtenP50Ms,
      figures.writtenP99Ms,
      figures.receivedP50Ms,
      figures.receivedP99Ms,
      figures.busyCores,
    ].map((ms) => decimal(ms, 2)),
  ])
  return {
    name: 'webhooks',
    result: { ...options, alone, beside, p99ToAlone },
    text: table(
      [
        `${count(webhooksPerSecond)} webhooks a second, ${count(sockets)} sockets, medians of ${turns} turns`,
        'acknowledged p50 ms',
        'p99 ms',
        'written to socket p50 ms',
        'p99 ms',
        'received to socket p50 ms',
        'p99 ms',
        'busy cores',
      ],
      rows,
    ),
    goals: [{ name: 'webhookP99ToAlone', value: p99ToAlone, atMost: 1.5 }],
  }
}

function runTurns(host: DataHost, options: WebhooksOptions): Promise<Record<'alone' | 'beside', Figures>> {
  const { turns, sockets } = options
  const webhookSecret = newSecret(GATEWAY)
  return withStage(host, { contender: 'ours', processes: 2, webhookSecret }, async (stage) => {
    const sender = startChild('./load-client.ts')
    try {
      await prepare(stage, sender, webhookSecret, options)
      await openSockets(stage, sockets, 'each', { notesPayments: true })
      await turn(host, stage, sender, { ...options, turnSeconds: WARM_UP_SECONDS }, true)
      const alone: Figures[] = []
      const beside: Figures[] = []
      for (let n = 0; n < turns; n += 1) {
        alone.push(await turn(host, stage, sender, options, false))
        beside.push(await turn(host, stage, sender, options, true))
        progress(
          `turn ${n + 1}: p99 ${decimal(alone[n]?.webhookP99Ms ?? 0, 2)} ms alone, ` +
            `${decimal(beside[n]?.webhookP99Ms ?? 0, 2)} ms beside messages`,
        )
      }
      return { alone: medians(alone), beside: medians(beside) }
    } finally {
      await sender.end()
    }
  })
}

/** Every webhook captures a payment of a user who has a socket. */
async function prepare(stage: Stage, sender: Child, secret: string, options: WebhooksOptions): Promise<void> {
  const { turns, turnSeconds, webhooksPerSecond, sockets } = options
  const tag = randomBytes(4).toString('hex')
  const seconds = WARM_UP_SECONDS + 2 * turns * turnSeconds
  const webhooks = Math.ceil(seconds * webhooksPerSecond * 1.1)
  await registerPayments(stage.database.pool, GATEWAY, tag, webhooks, (number) => ({
    customerId: userIdOf(number % sockets),
    driverId: null,
  }))
  const order: LoadOrder = {
    port: stage.ports[TAKER] ?? 0,
    connections: CONNECTIONS,
    gateway: GATEWAY,
    secret,
    bodyBytes: BODY_BYTES,
    prepare: webhooks,
    tag,
    repeat: false,
  }
  await sender.ask('prepare', order)
}

async function turn(
  host: DataHost,
  stage: Stage,
  sender: Child,
  options: WebhooksOptions,
  withMessages: boolean,
): Promise<Figures> {
  const { turnSeconds, sockets, messagesPerSocketSecond, webhooksPerSecond } = options
  const before = await stage.client.ask<SocketsReport>('report', null)
  const stream: StreamOrder = {
    seconds: turnSeconds + (2 * LEAD_MS) / 1_000,
    ratePerSecond: sockets * messagesPerSocketSecond,
    users: sockets,
  }
  const streamed = withMessages ? (stage.servers[TELLER]?.ask<number>('stream', stream) ?? 0) : 0
  await pause(LEAD_MS)
  const cpu = watchServers(host, stage)
  const run = { seconds: turnSeconds, ratePerSecond: webhooksPerSecond }
  const { p50Ms, p99Ms, errors, ranOut } = await sender.ask<LoadReport>('run', run)
  const { serverMicros, databaseMicros, redisMicros, clientMicros } = cpu()
  if (errors > 0 || ranOut) throw new WrongResult(`${errors} webhooks were not acknowledged`)
  const messages = await streamed
  const notes = await heardAll(stage, before.received + messages)
  return {
    webhookP50Ms: p50Ms,
    webhookP99Ms: p99Ms,
    busyCores: (serverMicros + databaseMicros + redisMicros + clientMicros) / turnSeconds / 1e6,
    ...(await agesOf(stage.database.pool, notes)),
  }
}

/** Waits until every event is processed and everything that was told has come; returns what came of the feeds. */
async function heardAll(stage: Stage, receivedBeside: number): Promise<readonly PaymentNote[]> {
  const { pool } = stage.database
  const endMs = performance.now() + TIMEOUT_MS
  const notes: PaymentNote[] = []
  for (;;) {
    await pause(100)
    const waiting = await countRows(pool, "webhook_events WHERE state = 'received'")
    const { received, closed } = await stage.client.ask<SocketsReport>('report', null)
    notes.push(...(await stage.client.ask<PaymentNote[]>('payments', null)))
    if (Object.keys(closed).length > 0) throw new WrongResult(`sockets closed: ${JSON.stringify(closed)}`)
    if (waiting === 0 && received === receivedBeside + notes.length && notes.length > 0) return notes
    if (performance.now() > endMs)
      throw new WrongResult(`${receivedBeside + notes.length} messages to come, ${received} came`)
  }
}
