import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { Pool } from '../../db/pools.ts'
import { isFromThisMachine, isOwnName } from '../base/near.ts'
import { problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import { isUserId } from '../feed/message.ts'
import { type OnRegistered, registerPayment } from '../payments/register.ts'
import { mintToken } from '../realtime/door/mint.ts'
import { buildDelivery } from '../webhooks/gateways/samples/samples.ts'

export interface PlaygroundOptions {
  readonly pool: Pool
  readonly jwtSecret: string
  /** Of Kashier's default account; undefined: no payment can be captured here. */
  readonly kashierSecret: string | undefined
  readonly onRegistered: OnRegistered
}

const PAGE = join(import.meta.dirname, 'playground')
const CLIENT = resolve(import.meta.dirname, '../../client')
const TOKEN_LIFETIME_MS = 3_600_000
const AMOUNT_MINOR = 12_500n
/** Scripts of our own alone; its WebSocket is of the same origin. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'"
const JAVASCRIPT = { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-store' }

const USER = z.strictObject({
  userId: z.string().refine(isUserId, '1 to 36 visible ASCII characters'),
  userType: z.enum(['customer', 'driver']),
})

/**
 * `/playground`: a phone in the browser, for development alone, and for this machine alone: whoever reaches it gets tokens and
 * payments for the asking. The page runs the client of client/ as it is, with its types taken off.
 */
export function playgroundRoutes(options: PlaygroundOptions): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>()
  routes.use('/playground/*', async (context, next) => (isNear(context) ? next() : context.notFound()))
  routes.get('/playground', (context) => {
    if (!isNear(context)) return context.notFound()
    return context.html(readFileSync(join(PAGE, 'page.html'), 'utf8'), 200, {
      'content-security-policy': POLICY,
    })
  })
  routes.get('/playground/page.js', (context) =>
    context.body(readFileSync(join(PAGE, 'page.js'), 'utf8'), 200, JAVASCRIPT),
  )
  routes.get('/playground/client/:file', (context) => {
    const file = context.req.param('file')
    if (!readdirSync(CLIENT).includes(file) || !file.endsWith('.ts')) return context.notFound()
    return context.body(stripTypeScriptTypes(readFileSync(join(CLIENT, file), 'utf8')), 200, JAVASCRIPT)
  })
  routes.post('/playground/token', (context) => giveToken(context, options))
  routes.post('/playground/payment', (context) => givePayment(context, options))
  return routes
}

type PlaygroundContext = Context<{ Bindings: HttpBindings }>

/** Nor for pages elsewhere: another site's request for JSON would ask first, and is not answered. */
function isNear(context: PlaygroundContext): boolean {
  return isFromThisMachine(context.env.incoming) && isOwnName(context.req.header('host'))
}

async function giveToken(context: PlaygroundContext, { jwtSecret }: PlaygroundOptions): Promise<Response> {
  const user = await userIn(context)
  if (user instanceof Response) return user
  const token = await mintToken(jwtSecret, { ...user, expiresAtMs: Date.now() + TOKEN_LIFETIME_MS })
  return context.json({ token }, 201, { 'cache-control': 'no-store' })
}

/** Registers a payment of this user, and signs its capture as Kashier would; the page posts it. */
async function givePayment(context: PlaygroundContext, options: PlaygroundOptions): Promise<Response> {
  const user = await userIn(context)
  if (user instanceof Response) return user
  const { pool, kashierSecret: secret, onRegistered } = options
  if (secret === undefined) return refused(context, 409, 'no_gateway', 'Kashier has no default account here.')
  const merchantRef = `PLAY-${randomUUID()}`
  const money = { merchantRef, amountMinor: AMOUNT_MINOR, currency: 'EGP' }
  const parties =
    user.userType === 'driver'
      ? { customerId: null, driverId: user.userId }
      : { customerId: user.userId, driverId: null }
  const expected = {
    gateway: 'kashier',
    account: 'default',
    gatewayRef: null,
    tripId: null,
    ...money,
    ...parties,
  }
  await registerPayment(pool, expected, onRegistered)
  const operationRef = `TX-${randomUUID()}`
  const delivery = buildDelivery('kashier', {
    ...money,
    kind: 'captured',
    operationRef,
    nowMs: Date.now(),
    secret,
  })
  const { path, headers, body } = delivery
  return context.json({ path, headers, body: body.toString() }, 201)
}

async function userIn(context: PlaygroundContext): Promise<z.output<typeof USER> | Response> {
  const isJson = context.req.header('content-type')?.startsWith('application/json') === true
  const content: unknown = isJson ? await context.req.json().catch(() => null) : null
  const user = USER.safeParse(content)
  return user.success
    ? user.data
    : refused(context, 400, 'invalid_user', 'Send JSON with userId and userType, customer or driver.')
}

function refused(context: PlaygroundContext, status: number, code: string, detail: string): Response {
  return problem({ status, code, detail, requestId: requestIdOf(context.req.header('x-request-id')) })
}
