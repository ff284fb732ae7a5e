import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { mintToken } from '../src/realtime/door/mint.ts'
import { serve } from './child.ts'
import { addressOf } from './realtime/tokens.ts'

export interface CityOrder {
  readonly port: number
  readonly secret: string
  readonly drivers: number
  /** Each driver's app tells where it is that often. */
  readonly locationMs: number
  /** A server that greets nobody and answers nothing. */
  readonly isBare: boolean
}

export interface RequestsOrder {
  readonly round: number
  readonly requests: number
  readonly requestsPerSecond: number
}

export interface RequestsReport {
  readonly latenciesMs: number[]
}

/** A city of 20 km on each side. */
const CITY = { latitude: 30.05, longitude: 31.25, degrees: 0.18 }
const HOUR_MS = 3_600_000
const OPENING_AT_ONCE = 50
const LOCATION_TURNS = 100
/** Whatever is offered comes long before. */
const LATE_MS = 10_000

let city: CityOrder | null = null
/** Each comes from an address of its own, as phones do. */
let connections = 0
/** Positions, since the start. */
let sent = 0
const drivers: WebSocket[] = []
/** When the request for each ride was sent, until it was offered. */
const waiting = new Map<string, { sentMs: number; offered: (latencyMs: number) => void }>()
/** An offer may be heard before the request's own reply. */
const early = new Map<string, number>()

serve({ open, request, sent: () => sent })

/** Returns after how many seconds all drivers are online. */
async function open(order: CityOrder): Promise<number> {
  city = order
  const startMs = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: OPENING_AT_ONCE }, async () => {
      while (next < order.drivers) {
        next += 1
        drivers.push(await goOnline(order, next))
      }
    }),
  )
  void tellPositions(order.locationMs)
  // Everybody has told where he is once more.
  await pause(order.locationMs)
  return (performance.now() - startMs) / 1_000
}

async function goOnline(order: CityOrder, number: number): Promise<WebSocket> {
  const socket = await connect(order, `driver-${number}`, 'driver')
  if (order.isBare) return socket
  const workplace = { category: 'car', zoneId: 'city', ...somewhere() }
  const reply = once(socket, 'reply')
  socket.send(JSON.stringify({ id: 'online', event: 'driver:online', data: workplace }))
  await reply
  return socket
}

async function connect({ port, secret, isBare }: CityOrder, userId: string, userType: 'driver' | 'customer') {
  const token = await mintToken(secret, { userId, userType, expiresAtMs: Date.now() + HOUR_MS })
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`, {
    localAddress: addressOf(connections),
  })
  connections += 1
  socket.on('message', (bytes: Buffer) => hear(socket, bytes))
  await once(socket, isBare ? 'open' : 'ready')
  return socket
}

function hear(socket: WebSocket, bytes: Buffer): void {
  const frame = JSON.parse(bytes.toString())
  if (frame.re !== undefined) socket.emit('reply', frame)
  else if (frame.event === 'ready') socket.emit('ready')
  else if (frame.event === 'ride:new') heardOffer(frame.data.rideId)
}

function heardOffer(rideId: string): void {
  const nowMs = performance.now()
  const request = waiting.get(rideId)
  if (request === undefined) {
    if (!early.has(rideId)) early.set(rideId, nowMs)
    return
  }
  waiting.delete(rideId)
  request.offered(nowMs - request.sentMs)
}

/** In turns, so that the load is even. */
async function tellPositions(everyMs: number): Promise<void> {
  let dueMs = performance.now()
  for (let turn = 0; ; turn = (turn + 1) % LOCATION_TURNS) {
    for (let index = turn; index < drivers.length; index += LOCATION_TURNS) {
      drivers[index]?.send(JSON.stringify({ event: 'driver:location', data: somewhere() }))
      sent += 1
    }
    dueMs += everyMs / LOCATION_TURNS
    await pause(Math.max(dueMs - performance.now(), 0))
  }
}

async function request({ round, requests, requestsPerSecond }: RequestsOrder): Promise<RequestsReport> {
  const order = city
  if (order === null) throw new Error('open comes first')
  const riders = await Promise.all(
    Array.from({ length: requests }, (_, index) => connect(order, `rider-${round}-${index}`, 'customer')),
  )
  const latencies = await Promise.all(
    riders.map(async (rider, index) => {
      await pause((index * 1_000) / requestsPerSecond)
      return requestRide(rider)
    }),
  )
  for (const rider of riders) rider.close()
  return { latenciesMs: latencies.filter((latency) => latency !== null) }
}

/** Asks for a ride, and gives it up once it was offered. Null: nobody was asked in time. */
async function requestRide(rider: WebSocket): Promise<number | null> {
  const sentMs = performance.now()
  const data = {
    ...{ category: 'car', zoneId: 'city', pickup: somewhere(), destination: somewhere() },
    ...{ estimatedFareMinor: 10_000, currency: 'EGP', policy: 'broadcast' },
  }
  const replied = once(rider, 'reply')
  rider.send(JSON.stringify({ id: 'request', event: 'ride:request', data }))
  const [reply] = await replied
  if (!reply.ok) throw new Error(`a request was refused: ${reply.error.code}`)
  const { rideId } = reply.data
  const latencyMs = await offered(rideId, sentMs)
  const cancelled = once(rider, 'reply')
  rider.send(JSON.stringify({ id: 'cancel', event: 'ride:cancel', data: { rideId } }))
  await cancelled
  return latencyMs
}

function offered(rideId: string, sentMs: number): Promise<number | null> {
  const heardMs = early.get(rideId)
  if (heardMs !== undefined) return Promise.resolve(heardMs - sentMs)
  return Promise.race([
    new Promise<number>((resolve) => waiting.set(rideId, { sentMs, offered: resolve })),
    pause(LATE_MS, null),
  ])
}

function somewhere() {
  return {
    latitude: CITY.latitude + (Math.random() - 0.5) * CITY.degrees,
    longitude: CITY.longitude + (Math.random() - 0.5) * CITY.degrees,
  }
}
