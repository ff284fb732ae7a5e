import { z } from 'zod'
import type { ApiOperation } from '../base/openapi.ts'

const DEPENDENCY = z.object({
  status: z.enum(['ok', 'degraded', 'refused']),
  reasons: z.array(z.string()),
  latencyMs: z.number(),
})

const READINESS = z.object({
  status: z.enum(['ready', 'not_ready']),
  dependencies: z.record(z.string(), DEPENDENCY),
})

/** `/health`, `/ready`, `/metrics`, as opsRoutes() serves them. */
export const OPS_OPERATIONS: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/health',
    operationId: 'health',
    tag: 'operations',
    summary: 'The process lives',
    security: null,
    responses: {
      200: {
        description: 'it does',
        schema: z.object({ status: z.literal('alive'), version: z.string(), uptimeSeconds: z.int() }),
      },
    },
  },
  {
    method: 'get',
    path: '/ready',
    operationId: 'ready',
    tag: 'operations',
    summary: 'May it be sent work, and why not',
    security: null,
    responses: {
      200: { description: 'it may', schema: READINESS },
      503: { description: 'it may not', schema: READINESS },
    },
  },
  {
    method: 'get',
    path: '/metrics',
    operationId: 'metrics',
    tag: 'operations',
    summary: 'Prometheus text of all processes',
    description: 'Without a key only outside production, from the same machine and without a proxy.',
    security: 'internalApiKey',
    responses: {
      200: { description: 'the metrics', schema: z.string(), contentType: 'text/plain' },
      401: { description: 'no right X-API-Key' },
    },
  },
]
