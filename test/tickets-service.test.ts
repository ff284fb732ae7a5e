import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { Service } from './support/service.ts'
import { askForTicket, signToken } from './support/tokens.ts'

const PAGE = 'https://app.example.org'
const PREVIOUS = 'an-0lder-jwt-5ecret-of-32-characters-or-more'
const folder = mkdtempSync(join(tmpdir(), 'onceline-tickets-'))
let database: TestDatabase
let service: Service

beforeAll(async () => {
  database = await testDatabase('tickets-service')
  service = await Service.start(database.address, database.redis, {
    DATA_DIR: folder,
    JWT_SECRET_PREVIOUS: PREVIOUS,
    WS_CORS_ORIGIN: PAGE,
    RATE_LIMIT_AUTH: '50/60',
    TRUSTED_PROXIES: '127.0.0.1',
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: '0',
    LOG_LEVEL: 'debug',
  })
})
afterAll(async () => {
  service?.signal('SIGTERM')
  await service?.ended
  rmSync(folder, { recursive: true, force: true })
  await database?.drop()
})

function ask(secret: string, headers: Readonly<Record<string, string>> = {}, port = service.port) {
  const authorization = `Bearer ${signToken({ secret })}`
  return askForTicket(`http://127.0.0.1:${port}`, {
    authorization,
    'x-forwarded-for': '203.0.113.9',
    ...headers,
  })
}

it('the process takes tokens of the secret that it made up and of the one before, from the origins that it was told', async () => {
  const { JWT_SECRET: made } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'))
  expect((await ask(made)).status).toBe(201)
  expect((await ask(PREVIOUS, { origin: PAGE })).status).toBe(201)
  expect((await ask('neither-of-them')).status).toBe(401)
  expect((await ask(made, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await ask(made)).headers.get('ratelimit-policy')).toBe('"auth";q=50;w=60')
})

it('the internal listener has no tickets', async () => {
  const port = Number(/internal {2}http:\/\/127\.0\.0\.1:(\d+)\/internal/.exec(service.text)?.[1])
  expect((await ask(PREVIOUS, {}, port)).status).toBe(404)
})
