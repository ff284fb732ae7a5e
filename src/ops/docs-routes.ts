import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { OpenApiDocument } from '../base/openapi.ts'
import type { AsyncApiDocument } from '../realtime/asyncapi.ts'
import { docsPage } from './docs-page.ts'

/** Nothing of the page is loaded from elsewhere, and nothing in it runs. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** `/openapi.json` and `/asyncapi.json`, and `/docs` for people. They describe the API and hold nothing of an installation. */
export function docsRoutes(
  document: OpenApiDocument,
  realtime: AsyncApiDocument,
): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>()
  const page = docsPage(document)
  routes.get('/openapi.json', (context) => context.json(document))
  routes.get('/asyncapi.json', (context) => context.json(realtime))
  routes.get('/docs', (context) => context.html(page, 200, { 'content-security-policy': PAGE_POLICY }))
  return routes
}
