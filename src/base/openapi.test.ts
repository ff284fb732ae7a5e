import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ApiOperation, openApiDocument } from './openapi.ts'

const INFO = { title: 'T', version: '1', description: 'd', tags: { things: 'all of them' } }
const OPERATION: ApiOperation = {
  method: 'post',
  path: '/things/{id}',
  operationId: 'makeThing',
  tag: 'things',
  summary: 'Make one',
  security: 'internalApiKey',
  idempotencyKey: 'required',
  parameters: [{ name: 'id', in: 'path', description: 'its id', schema: z.uuid() }],
  body: z.strictObject({ size: z.int().min(1), colour: z.string().default('red') }),
  responses: {
    201: { description: 'made', schema: z.object({ id: z.uuid() }) },
    409: { description: 'taken' },
  },
}

// biome-ignore lint/suspicious/noExplicitAny: a document is read member by member, and a wrong member fails its test.
const described = (operation: ApiOperation): any => openApiDocument([operation], INFO)

describe('openApiDocument', () => {
  it('describes a body by the schema that validates it', () => {
    const { requestBody } = described(OPERATION).paths['/things/{id}'].post
    const { schema } = requestBody.content['application/json']
    expect(schema).toMatchObject({
      type: 'object',
      required: ['size'],
      additionalProperties: false,
      properties: { size: { type: 'integer', minimum: 1 }, colour: { type: 'string', default: 'red' } },
    })
    expect(schema.$schema).toBeUndefined()
  })

  it('asks for the API key, the path parameters and the Idempotency-Key', () => {
    const { security, parameters } = described(OPERATION).paths['/things/{id}'].post
    expect(security).toEqual([{ internalApiKey: [] }])
    expect(
      parameters.map(({ name, in: where, required }: Record<string, unknown>) => [name, where, required]),
    ).toEqual([
      ['id', 'path', true],
      ['Idempotency-Key', 'header', true],
    ])
  })

  it('answers refusals with problem documents', () => {
    const { responses } = described(OPERATION).paths['/things/{id}'].post
    expect(Object.keys(responses['409'].content)).toEqual(['application/problem+json'])
    expect(Object.keys(responses['201'].content)).toEqual(['application/json'])
  })

  it('keeps the methods of one path together', () => {
    const document = openApiDocument(
      [OPERATION, { ...OPERATION, method: 'get', operationId: 'showThing' }],
      INFO,
    )
    expect(Object.keys(document.paths)).toEqual(['/things/{id}'])
    expect(Object.keys(document.paths['/things/{id}'] ?? {})).toEqual(['post', 'get'])
  })
})
