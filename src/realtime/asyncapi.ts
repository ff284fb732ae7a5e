import { z } from 'zod'
import { COMMANDS, type Command } from './protocol/commands.ts'
import { momentMs, seq } from './protocol/fields.ts'
import { COMMAND_FRAME, REPLY_FRAME } from './protocol/frames.ts'
import { PUSHES, type PushKind } from './protocol/pushes.ts'

type Json = Readonly<Record<string, unknown>>

/** Where sockets are opened; `/` does, too. */
const ADDRESS = '/realtime'
const CHANNEL = { $ref: '#/channels/socket' }
const REPLY_KEY = 'reply'

/**
 * The AsyncAPI 3.0 document of the WebSocket, from the tables that judge its frames. It is told from the server's side, as AsyncAPI
 * has it: what the application receives are clients' commands, what it sends are pushes. Pure; JSON values only.
 */
export function asyncApiDocument(info: { readonly title: string; readonly version: string }) {
  const commands = Object.entries(COMMANDS)
  const pushes: [string, PushKind][] = Object.entries(PUSHES)
  const messages = Object.fromEntries([
    ...commands.map(([name, command]) => [keyOf(name), commandMessage(name, command)]),
    ...pushes.map(([name, push]) => [keyOf(name), pushMessage(name, push)]),
    [REPLY_KEY, REPLY],
  ])
  return {
    asyncapi: '3.0.0',
    info: {
      ...info,
      description: DESCRIPTION,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/json',
    servers: { here: SERVER },
    channels: {
      socket: {
        address: ADDRESS,
        title: 'One connection of one user',
        messages: Object.fromEntries(
          Object.keys(messages).map((key) => [key, { $ref: `#/components/messages/${key}` }]),
        ),
        bindings: { ws: { query: schemaOf(QUERY), bindingVersion: '0.1.0' } },
      },
    },
    operations: Object.fromEntries([
      ...commands.map(([name, command]) => [`receive.${keyOf(name)}`, commandOperation(name, command)]),
      ...pushes.map(([name, push]) => [`send.${keyOf(name)}`, pushOperation(name, push)]),
    ]),
    components: { messages, securitySchemes: SECURITY_SCHEMES },
  }
}

export type AsyncApiDocument = ReturnType<typeof asyncApiDocument>

const DESCRIPTION =
  'One JSON object a text frame. A client that shows the snapshot of `ready` and what follows it is right, whatever it has missed; ' +
  'numbered pushes come in order, each once, and `since` replays them.'

const SERVER = {
  host: '{host}',
  pathname: '/',
  protocol: 'wss',
  description: 'this installation, behind whatever ends TLS',
  variables: { host: { default: 'localhost:3000', description: 'where Onceline listens' } },
  security: [
    { $ref: '#/components/securitySchemes/bearer' },
    { $ref: '#/components/securitySchemes/ticket' },
  ],
}

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'or as the subprotocol `bearer.<token>`, or as `?token=`',
  },
  ticket: {
    type: 'httpApiKey',
    in: 'query',
    name: 'ticket',
    description: 'of `POST /realtime/tickets`; or as the subprotocol `ticket.<ticket>`',
  },
}

const QUERY = z.object({
  token: z.string().optional().describe("a user's token, where no header can be set"),
  ticket: z.string().optional(),
  since: seq.optional().describe('the last number that was seen: what came after it is replayed'),
})

const REPLY = {
  name: 'reply',
  title: 'The answer to the command whose id is `re`',
  payload: schemaOf(REPLY_FRAME),
}

/** AsyncAPI's keys have no colon. */
function keyOf(event: string): string {
  return event.replaceAll(':', '.')
}

function commandMessage(name: string, { data, summary, from, idempotency }: Command): Json {
  const { id } = COMMAND_FRAME.shape
  return {
    name,
    title: name,
    summary,
    payload: schemaOf(z.strictObject({ id, event: z.literal(name), data })),
    'x-from': from,
    'x-idempotency': idempotency,
  }
}

function commandOperation(name: string, { summary }: Command): Json {
  return {
    action: 'receive',
    channel: CHANNEL,
    title: name,
    summary,
    messages: [messageRef(keyOf(name))],
    reply: { channel: CHANNEL, messages: [messageRef(REPLY_KEY)] },
  }
}

function pushMessage(name: string, { data, class: kind, summary }: PushKind): Json {
  const shape = {
    event: z.literal(name),
    ...(kind === 'durable' ? { seq: seq.min(1) } : {}),
    data,
    ...(kind === 'offer' ? { expiresAt: momentMs } : {}),
  }
  return { name, title: name, summary, payload: schemaOf(z.object(shape)), 'x-class': kind }
}

function pushOperation(name: string, { summary }: PushKind): Json {
  return {
    action: 'send',
    channel: CHANNEL,
    title: name,
    summary,
    messages: [messageRef(keyOf(name))],
  }
}

function messageRef(key: string): Json {
  return { $ref: `#/channels/socket/messages/${key}` }
}

/** AsyncAPI's own schemas are JSON Schema draft 7. As input, since fields may be added to what is sent. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return json
}
