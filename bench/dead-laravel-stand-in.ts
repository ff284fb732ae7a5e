import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { signatureOf, signingKeyOf } from '../src/laravel/callback-signature.ts'
import { serve } from './child.ts'

/** closed: nobody listens. hanging: requests are taken and never answered. unavailable: 503 at once. */
export type Mood = 'alive' | 'closed' | 'hanging' | 'unavailable'

export interface StandInOrder {
  readonly apiKey: string
  /** How long an answer takes while Laravel lives. */
  readonly answerMs: number
}

export interface StandInReport {
  /** Different callbacks that were answered with 204. */
  readonly delivered: number
  /** Answered with 204 again. */
  readonly duplicates: number
  /** Requests that came, answered or not. */
  readonly requests: number
  /** Delivered for the first time after a later one of their key. */
  readonly disordered: number
  /** Came while another of the same key was unanswered. */
  readonly overlapping: number
  /** Signature, key or Idempotency-Key were not right. */
  readonly unbelievable: number
}

let order: StandInOrder
let mood: Mood = 'alive'
let server: Server
let port = 0
const delivered = new Set<string>()
const highest = new Map<string, number>()
const open = new Map<string, number>()
const counts = { duplicates: 0, requests: 0, disordered: 0, overlapping: 0, unbelievable: 0 }

serve({
  /** Returns the port. */
  start: async (given: StandInOrder): Promise<number> => {
    order = given
    await listen()
    return port
  },
  become: async (next: Mood): Promise<null> => {
    const wasClosed = mood === 'closed'
    mood = next
    if (next === 'closed') await close()
    else if (wasClosed) await listen()
    return null
  },
  report: (): StandInReport => ({ delivered: delivered.size, ...counts }),
})

async function listen(): Promise<void> {
  server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
}

async function close(): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

interface Body {
  readonly id: string
  readonly orderingKey: string
  readonly sequence: number
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const text = Buffer.concat(parts).toString()
  const body: Body = JSON.parse(text)
  counts.requests += 1
  if (!isBelievable(request, text, body)) counts.unbelievable += 1
  const others = open.get(body.orderingKey) ?? 0
  if (others > 0) counts.overlapping += 1
  open.set(body.orderingKey, others + 1)
  response.once('close', () => {
    const left = (open.get(body.orderingKey) ?? 1) - 1
    if (left > 0) open.set(body.orderingKey, left)
    else open.delete(body.orderingKey)
  })
  await answer(response, body)
}

async function answer(response: ServerResponse, body: Body): Promise<void> {
  if (mood === 'hanging') return
  if (mood === 'unavailable') {
    response.writeHead(503).end()
    return
  }
  await pause(order.answerMs)
  if (!response.writable) return
  note(body)
  response.writeHead(204).end()
}

function isBelievable({ headers }: IncomingMessage, text: string, { id }: Body): boolean {
  const signature = String(headers['onceline-signature'] ?? '')
  const seconds = Number(/^t=(\d+),/.exec(signature)?.[1] ?? 0)
  return (
    headers['idempotency-key'] === id &&
    headers['x-api-key'] === order.apiKey &&
    Math.abs(Date.now() / 1_000 - seconds) < 60 &&
    signature === signatureOf(signingKeyOf(order.apiKey), text, seconds * 1_000)
  )
}

function note({ id, orderingKey, sequence }: Body): void {
  if (delivered.has(id)) {
    counts.duplicates += 1
    return
  }
  delivered.add(id)
  const before = highest.get(orderingKey) ?? 0
  if (sequence < before) counts.disordered += 1
  highest.set(orderingKey, Math.max(before, sequence))
}
