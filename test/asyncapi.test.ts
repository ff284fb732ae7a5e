import { readFileSync } from 'node:fs'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS, type Command } from '../src/realtime/protocol/commands.ts'
import { PUSHES, type PushKind } from '../src/realtime/protocol/pushes.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
let app: TestApp
let source: string

beforeAll(async () => {
  database = await testDatabase('asyncapi')
  app = await openApp(database, { working: false })
  source = await (await fetch(`${app.url}/asyncapi.json`)).text()
})

afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

async function problemsOf(text: string): Promise<unknown[]> {
  const config = await createConfig({ extends: ['recommended-strict'], rules: { struct: 'error' } })
  const problems = await lintFromString({ source: text, absoluteRef: 'asyncapi.json', config })
  return problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])
}

describe('/asyncapi.json', () => {
  it('is AsyncAPI 3.0 without a fault that a linter finds', async () => {
    expect(JSON.parse(source).asyncapi).toBe('3.0.0')
    expect(await problemsOf(source)).toEqual([])
  })

  it('is linted as AsyncAPI, and not waved through', async () => {
    const { action: _, ...broken } = JSON.parse(source).operations['receive.ping']
    const document = { ...JSON.parse(source), operations: { broken } }
    expect(await problemsOf(JSON.stringify(document))).toHaveLength(1)
  })

  it('names every command and every push', () => {
    const { operations, components } = JSON.parse(source)
    const names = (action: string) =>
      Object.values(operations as Record<string, { action: string; title: string }>)
        .filter((operation) => operation.action === action)
        .map(({ title }) => title)
    expect(names('receive')).toEqual(Object.keys(COMMANDS))
    expect(names('send')).toEqual(Object.keys(PUSHES))
    const { payload } = components.messages['driver.location']
    expect(payload.properties.data.properties.latitude).toMatchObject({ minimum: -90, maximum: 90 })
    expect(payload.properties.data.additionalProperties).toBe(false)
  })

  it('is linked from the page', async () => {
    expect(await (await fetch(`${app.url}/docs`)).text()).toContain('href="/asyncapi.json"')
  })
})

describe('docs/realtime.md', () => {
  const text = readFileSync(new URL('../docs/realtime.md', import.meta.url), 'utf8')
  const rowsOf = (heading: string) => {
    const [, section = ''] = text.split(`\n### ${heading}\n`)
    return [
      ...(section.split(/\n##/)[0] ?? '').matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm),
    ].map(([, ...cells]) => cells.map((cell) => cell.trim()))
  }

  it('has every command with who may send it and whether it counts once', () => {
    const commands = Object.entries(COMMANDS) as [string, Command][]
    expect(rowsOf('From clients').sort()).toEqual(
      commands
        .map(([name, { from, idempotency }]) => [
          name,
          from.length > 2 ? 'all' : from.join(', '),
          idempotency,
        ])
        .sort(),
    )
  })

  it('has every push with its class and its data', () => {
    const pushes = Object.entries(PUSHES) as [string, PushKind][]
    expect(rowsOf('To clients').sort()).toEqual(
      pushes.map(([name, { class: kind, data }]) => [name, kind, fieldsOf(data)]).sort(),
    )
  })

  function fieldsOf(data: PushKind['data']): string {
    const { shape } = data as unknown as { shape: Record<string, PushKind['data']> }
    const fields = Object.entries(shape).map(
      ([name, field]) => `${name}${field.safeParse(undefined).success ? '?' : ''}`,
    )
    return fields.length === 0 ? '—' : fields.join(', ')
  }
})
