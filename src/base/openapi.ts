import { z } from 'zod'

/** How a caller says who he is; the schemes are described in the document. */
export type ApiSecurity = keyof typeof SECURITY_SCHEMES

/** One operation of the HTTP API, as its route's module describes it. What validates a request is what describes it. */
export interface ApiOperation {
  readonly method: 'get' | 'post' | 'patch'
  /** With `{name}` for parameters: `/internal/payments/{id}`. */
  readonly path: string
  readonly operationId: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** Null: anybody may call it. */
  readonly security: ApiSecurity | null
  /** Whether the operation takes an `Idempotency-Key`. */
  readonly idempotencyKey?: 'required' | 'optional'
  readonly parameters?: readonly ApiParameter[]
  /** JSON, unless `bodyType` says otherwise. */
  readonly body?: z.ZodType
  readonly bodyType?: string
  readonly responses: Readonly<Record<number, ApiResponse>>
}

export interface ApiParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly description: string
  readonly schema: z.ZodType
  readonly required?: boolean
}

/** An answer. Without a schema and with a status from 400 on it is a problem document. */
export interface ApiResponse {
  readonly description: string
  readonly schema?: z.ZodType
  readonly contentType?: string
  /** What headers of its own say, by their names. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface ApiInfo {
  readonly title: string
  readonly version: string
  readonly description: string
  /** What each tag stands for, by its name, in the order of the page. */
  readonly tags: Readonly<Record<string, string>>
}

/** The OpenAPI 3.1 document of these operations. Pure; JSON values only. */
export function openApiDocument(operations: readonly ApiOperation[], { tags, ...info }: ApiInfo) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const path = paths[operation.path] ?? {}
    path[operation.method] = describe(operation)
    paths[operation.path] = path
  }
  return {
    openapi: '3.1.0',
    info: { ...info, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'this installation' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: { Problem: schemaOf(PROBLEM, 'output') },
    },
  }
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>

const SECURITY_SCHEMES = {
  internalApiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  userToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
} as const

const PROBLEM = z
  .looseObject({
    type: z.string().describe('urn:onceline:problem:<code>'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('what a program may branch on'),
    requestId: z.string().describe('names this request in our logs'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('the fields at fault'),
  })
  .describe('RFC 9457')

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    '1 to 255 visible ASCII characters, bare or as an RFC 8941 string. The same key with the same content gets the first answer.',
  schema: { type: 'string', minLength: 1, maxLength: 257 },
}

function describe(operation: ApiOperation): Record<string, unknown> {
  const { operationId, tag, summary, description, security, body, bodyType = 'application/json' } = operation
  const parameters = [
    ...(operation.parameters ?? []).map(({ schema, ...parameter }) => ({
      ...parameter,
      required: parameter.required ?? parameter.in === 'path',
      schema: schemaOf(schema, 'input'),
    })),
    ...(operation.idempotencyKey === undefined
      ? []
      : [{ ...IDEMPOTENCY_KEY, required: operation.idempotencyKey === 'required' }]),
  ]
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: security === null ? [] : [{ [security]: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { [bodyType]: { schema: schemaOf(body, 'input') } } } }),
    responses: Object.fromEntries(
      Object.entries(operation.responses).map(([status, response]) => [
        status,
        answer(Number(status), response),
      ]),
    ),
  }
}

function answer(status: number, response: ApiResponse): Record<string, unknown> {
  const { description, schema, contentType, headers = {} } = response
  const described = Object.entries(headers).map(([name, words]) => [
    name,
    { description: words, schema: { type: 'string' } },
  ])
  if (schema !== undefined)
    return {
      description,
      ...(described.length === 0 ? {} : { headers: Object.fromEntries(described) }),
      content: { [contentType ?? 'application/json']: { schema: schemaOf(schema, 'output') } },
    }
  if (status < 400) return { description }
  const problem = { schema: { $ref: '#/components/schemas/Problem' } }
  return { description, content: { 'application/problem+json': problem } }
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io })
  return json
}
