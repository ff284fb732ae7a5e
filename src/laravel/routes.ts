import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { type InternalAccessOptions, type InternalEnv, internalAccess } from './middleware.ts'

/** `/internal/*`, for Laravel: nothing of it can be reached, nor be known to exist, without passing internalAccess(). */
export function internalRoutes(
  access: InternalAccessOptions,
  parts: readonly Hono<{ Bindings: HttpBindings }>[],
): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<InternalEnv>()
  routes.use('/internal/*', ...internalAccess(access))
  for (const part of parts) routes.route('/', part)
  return new Hono<{ Bindings: HttpBindings }>().route('/', routes)
}
