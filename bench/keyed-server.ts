import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { type DatabaseAddress, openDatabase } from '../db/pools.ts'
import { idToText } from '../src/base/ids.ts'
import { createLogger } from '../src/base/log.ts'
import { createHttpApp, createHttpServer, listen } from '../src/http.ts'
import { jsonReply } from '../src/idempotency/answer.ts'
import { idempotent } from '../src/idempotency/middleware.ts'
import { Once } from '../src/idempotency/once.ts'
import { serve } from './child.ts'

export interface KeyedServerOrder {
  readonly database: DatabaseAddress
}

serve({ start })

/**
 * The service's HTTP server and its pool of commands with one route, `POST /bench`, whose handler writes one row; a key
 * is optional. Returns the port.
 */
async function start({ database }: KeyedServerOrder): Promise<number> {
  const { commands } = openDatabase(database, 1)
  const once = new Once({ pool: commands })
  const routes = new Hono<{ Bindings: HttpBindings }>()
  routes.post(
    '/bench',
    idempotent({ required: false, scope: () => ({ tenant: 'bench', actor: '' }) }, (request) =>
      once.run(request, async (connection, claim) => {
        const content = JSON.stringify(request.json)
        await connection.execute('INSERT INTO bench_effects (id, content) VALUES (?, ?)', [claim, content])
        const id = idToText(claim)
        return jsonReply(201, { id, content: request.json }, { location: `/bench/${id}` })
      }),
    ),
  )
  return listen(createHttpServer(createHttpApp([routes], createLogger({ level: 'error' }))), 0, '127.0.0.1')
}
