import { flushCompileCache } from 'node:module'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { type DatabaseAddress, openCommandPool } from '../../db/pools.ts'
import { type Checkpoint, listenToCheckpoints } from '../../src/base/checkpoint.ts'
import { createLogger } from '../../src/base/log.ts'
import { createHttpApp, createHttpServer, listen } from '../../src/http.ts'
import { Completer } from '../../src/idempotency/completer.ts'
import { idempotent } from '../../src/idempotency/middleware.ts'
import { OnceInPhases } from '../../src/idempotency/once-in-phases.ts'
import { Operations } from '../../src/idempotency/operations.ts'
import { chargeOperation } from '../support/charge.ts'
import { type EffectOrder, onceRoutes } from '../support/once-app.ts'

/**
 * A real server process with the routes of support/once-app.ts and `POST /charges/:place` (several phases), which ends
 * itself with SIGKILL, or stops itself, where it is told to.
 */
export type KeyOrder =
  | {
      readonly kind: 'start'
      readonly database: DatabaseAddress
      readonly providerUrl: string
      readonly leaseSeconds: number
    }
  /** Die, or stop until SIGCONT, at the n-th passing of this checkpoint from now on; 0: go on. */
  | {
      readonly kind: 'meet'
      readonly signal: 'SIGKILL' | 'SIGSTOP'
      readonly checkpoint: Checkpoint
      readonly passing: number
    }

export type KeyReport =
  | { readonly kind: 'ready' | 'armed' }
  | { readonly kind: 'listening'; readonly port: number }

let fate: { readonly order: Extract<KeyOrder, { kind: 'meet' }>; passingsLeft: number } | null = null

listenToCheckpoints((checkpoint) => {
  if (fate === null || fate.order.checkpoint !== checkpoint) return
  fate.passingsLeft -= 1
  if (fate.passingsLeft === 0) process.kill(process.pid, fate.order.signal)
})

process.on('message', (order: KeyOrder) => {
  if (order.kind === 'start') void start(order)
  else {
    fate = { order, passingsLeft: order.passing }
    report({ kind: 'armed' })
  }
})
process.on('disconnect', () => process.exit(0))
flushCompileCache()
report({ kind: 'ready' })

async function start(order: Extract<KeyOrder, { kind: 'start' }>): Promise<void> {
  const pool = openCommandPool(order.database)
  const log = createLogger({ level: 'error' })
  const operations = new Operations({
    pool,
    log,
    operations: [chargeOperation(order.providerUrl)],
    leaseSeconds: order.leaseSeconds,
  })
  new Completer({ operations, log, intervalMs: 100 }).start()
  const door = new OnceInPhases({ pool, operations })
  const charges = new Hono<{ Bindings: HttpBindings }>()
  charges.post(
    '/charges/:place',
    idempotent({ required: true, scope: () => ({ tenant: 'test', actor: '' }) }, (request) =>
      door.run({
        ...request,
        operation: 'charge',
        input: {
          place: request.context.req.param('place') ?? '',
          content: (request.json as EffectOrder).content,
        },
      }),
    ),
  )
  const server = createHttpServer(createHttpApp([onceRoutes(pool), charges], log))
  report({ kind: 'listening', port: await listen(server, 0, '127.0.0.1') })
}

function report(what: KeyReport): void {
  process.send?.(what)
}
