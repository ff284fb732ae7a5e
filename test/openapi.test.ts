import { createConfig, lintFromString } from '@redocly/openapi-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('openapi')
  app = await openApp(database, { working: false })
})

afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 without a fault that a linter finds', async () => {
    const source = await (await fetch(`${app.url}/openapi.json`)).text()
    const config = await createConfig({ extends: ['recommended-strict'], rules: RULES })
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config })
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
      [],
    )
  })

  it('describes no operation that is not served', async () => {
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as Document
    for (const [path, operations] of Object.entries(document.paths)) {
      const url = `${app.url}${path.replaceAll(/\{\w+\}/g, '0')}`
      for (const method of Object.keys(operations)) {
        const answer = await (await fetch(url, { method: method.toUpperCase() })).text()
        expect([path, method, answer.includes('"code":"not_found"')]).toEqual([path, method, false])
      }
    }
  })
})

describe('/docs', () => {
  it('names every operation, loads nothing from elsewhere and runs nothing', async () => {
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as Document
    const response = await fetch(`${app.url}/docs`)
    const page = await response.text()
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page).not.toMatch(/<script|src=|href="http/)
    for (const path of Object.keys(document.paths)) expect(page).toContain(path)
  })
})

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const RULES = {
  // `/` is this very installation, wherever it stands.
  'no-server-example.com': 'off',
  // The two probes answer everybody the same.
  'operation-4xx-response': 'off',
} as const
