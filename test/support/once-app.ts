import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { CommandPool, Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { type Id, idToText } from '../../src/base/ids.ts'
import { jsonReply, type Reply } from '../../src/idempotency/answer.ts'
import { idempotent } from '../../src/idempotency/middleware.ts'
import { Once } from '../../src/idempotency/once.ts'

/** What the test's route is asked to do. */
export interface EffectOrder {
  readonly content: string
  /** created by default; declined stands too; invalid and broken must leave nothing. */
  readonly end?: 'created' | 'declined' | 'invalid' | 'broken'
}

/** A table without any unique key, so that whatever happens twice is seen twice. */
export async function createEffects(pool: Pool): Promise<void> {
  await pool.query(
    `CREATE TABLE IF NOT EXISTS effects (claim BINARY(16) NOT NULL, place VARCHAR(64) NOT NULL, content VARCHAR(64) NOT NULL,
       KEY (place)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`,
  )
}

/** `content` of every effect at the place, in no order. */
export async function effectsAt(pool: Pool, place: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT content FROM effects WHERE place = ?', [place])
  return rows.map(({ content }) => content)
}

/** One effect, through the given connection; the answer is another one with each execution. */
export async function takeEffect(
  connection: PoolConnection,
  claim: Id,
  place: string,
  { content, end = 'created' }: EffectOrder,
): Promise<Reply> {
  await connection.query('INSERT INTO effects (claim, place, content) VALUES (?, ?, ?)', [
    claim,
    place,
    content,
  ])
  if (end === 'broken') throw new Error('the handler is broken')
  const status = { created: 201, declined: 402, invalid: 422 }[end]
  const value = { execution: idToText(claim), content, end, at: process.hrtime.bigint().toString() }
  return jsonReply(status, value, { location: `/effects/${place}`, 'set-cookie': 'never=kept' })
}

/** `POST /effects/:place` and `POST /loose/:place` (which asks for no key) for the caller that `x-caller` names. */
export function onceRoutes(pool: CommandPool): Hono<{ Bindings: HttpBindings }> {
  const once = new Once({ pool })
  const routes = new Hono<{ Bindings: HttpBindings }>()
  for (const [path, required] of [
    ['/effects/:place', true],
    ['/loose/:place', false],
  ] as const) {
    routes.post(
      path,
      idempotent(
        {
          required,
          scope: (context) => ({ tenant: 'test', actor: context.req.header('x-caller') ?? '' }),
        },
        (request) =>
          once.run(request, (connection, claim) =>
            takeEffect(
              connection,
              claim,
              request.context.req.param('place') ?? '',
              request.json as EffectOrder,
            ),
          ),
      ),
    )
  }
  return routes
}
