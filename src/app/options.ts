import type { Server } from 'node:http'
import type { Registry } from 'prom-client'
import type { DatabaseAddress } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Operation } from '../idempotency/operation.ts'
import type { BridgeOptions } from '../laravel/bridge.ts'
import type { CallbackTarget } from '../laravel/callback-request.ts'
import type { CallbackTempo } from '../laravel/callbacks.ts'
import type { LimitRules } from '../limits/rules.ts'
import type { DispatchRules } from '../matching/dispatch/settings.ts'
import type { RouteEstimator } from '../matching/drivers/route-estimate.ts'
import type { SeatRules } from '../realtime/door/seats.ts'
import type { FetchText } from '../webhooks/fetch-text.ts'
import type { AccountBook } from '../webhooks/ingest.ts'
import type { SweepPace } from '../webhooks/sweep.ts'
import type { RealtimeTempo } from './live.ts'

export interface AppOptions {
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  readonly accounts: AccountBook
  /** How long whoever asks a gateway about an event has it to himself; a minute by default. Fault tests have less. */
  readonly asking?: { readonly leaseSeconds: number }
  /** How certificates and subscriptions of gateways are fetched; over the net by default. */
  readonly fetchText?: FetchText
  /** INTERNAL_API_KEY and, during rotation, its predecessor. */
  readonly internalKeys: readonly string[]
  /** Where the internal API is served and whom it lets in; by default beside the rest, and everybody with the key. */
  readonly internalApi?: {
    /** True: by a listener of its own (listenInternally), and the public one answers 404 for it. */
    readonly isSeparate: boolean
    /** null: every address. */
    readonly allowedCidrs: readonly string[] | null
    readonly trustedProxies: readonly string[]
  }
  /** Who may open connections, and pages of which origins; nobody and none by default. */
  readonly realtime?: {
    /** JWT_SECRET and, during rotation, its predecessor. */
    readonly jwtSecrets: readonly string[]
    readonly allowedOrigins: readonly string[]
    /** How many sockets may be open at once; any number by default. */
    readonly sockets?: SeatRules
    /** Pages of this machine need no entry in the list. */
    readonly allowsThisMachine?: boolean
    /** The connections' times; their own by default. Tests have shorter ones. */
    readonly tempo?: RealtimeTempo
  }
  /** Serve `/playground`, for development. */
  readonly playground?: boolean
  /** Nobody is limited by default. */
  readonly rateLimits?: LimitRules
  /** Ask for a key even from this machine; by default a request that came directly from it needs none. */
  readonly metricsNeedKey?: boolean
  /** Operations of several phases that this version can go on with; none by default. */
  readonly operations?: readonly Operation[]
  /** Write messages for Laravel with every change of a payment. */
  readonly callbacks: boolean
  /** Where these messages are sent; not set: they wait in the outbox. */
  readonly laravel?: CallbackTarget | null
  /** How Laravel's Redis channels are named, and the currency of amounts that name none; not set: they are not listened to. */
  readonly bridge?: Pick<BridgeOptions, 'prefix' | 'currency' | 'capacity' | 'tempo'> | null
  /** How many callbacks are in flight at once; 16 by default. */
  readonly callbackConcurrency?: number
  /** The callbacks' times; their own by default. Fault tests have shorter ones. */
  readonly callbackTempo?: Partial<CallbackTempo>
  /** How drivers are found, by zone and category; the defaults everywhere, if not set. */
  readonly dispatchRules?: DispatchRules
  /** How long it is known who was asked for a trip and who bid; 90 days by default. */
  readonly matchingHistoryDays?: number
  /** How far and how long a way is; by default a straight line, longer by a factor. */
  readonly routeEstimator?: RouteEstimator
  readonly workerConcurrency: number
  /** Database connections for the workers and the sweeper; by default two more than events are worked on at once. */
  readonly workerConnections?: number
  readonly maxAttempts: number
  readonly log: Log
  readonly clock?: Clock
  /** All processes' metrics when this is one of several; by default this process's own. */
  readonly metricsText?: (own: Registry) => Promise<string>
  /** The metrics' registry; a new one by default. */
  readonly registry?: Registry
  /** The sweeper's pace; its own by default. Fault tests sweep faster, so that they need not wait for it. */
  readonly sweep?: SweepPace
}

export interface App {
  readonly server: Server
  /** Answers HTTP; returns the port. */
  listen(port: number, host: string): Promise<number>
  /** Answers the internal API, where that has a listener of its own; returns the port. */
  listenInternally(port: number, host: string): Promise<number>
  /** Starts the workers, the sweeper, the pruners and the completer. */
  work(): void
  /** Lets requests and transactions in flight finish, within `timeoutMs`, and closes everything. Never throws. */
  stop(timeoutMs: number): Promise<void>
}
