import { expectTypeOf, it } from 'vitest'
import { WebSocket as Ws } from 'ws'
import type { CommandInput, CommandName } from '../../src/realtime/protocol/commands.ts'
import type { PushData, PushName } from '../../src/realtime/protocol/pushes.ts'
import type { Commands } from '../commands.ts'
import type { SocketConstructor } from '../link.ts'
import type { Pushes } from '../protocol.ts'

// Judged by the compiler: `npm run types` fails where the two differ.

/** Whether a field is read-only says nothing of what is sent. */
type Plain<T> = T extends object ? { -readonly [Key in keyof T]: Plain<T[Key]> } : T
type ServerPushes = { [Name in PushName]: Plain<PushData<Name>> }
type ServerCommands = { [Name in CommandName]: Plain<CommandInput<Name>> }

it('the client’s pushes are the server’s, field by field', () => {
  expectTypeOf<Plain<Pushes>>().toEqualTypeOf<ServerPushes>()
})

it('the client’s commands are the server’s, field by field', () => {
  expectTypeOf<Plain<Commands>>().toEqualTypeOf<ServerCommands>()
})

it('the WebSockets of Node and of ws are what the client takes', () => {
  expectTypeOf(globalThis.WebSocket).toExtend<SocketConstructor>()
  expectTypeOf(Ws).toExtend<SocketConstructor>()
})
