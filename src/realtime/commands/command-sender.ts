import { idToText, newId } from '../../base/ids.ts'
import type { TokenUser } from '../door/token.ts'
import type { CommandConnection, Sender } from './command.ts'

/** Most commands are never named to anybody. */
export class CommandSender implements Sender {
  readonly connection: CommandConnection
  #traceId: string | null = null

  constructor(connection: CommandConnection) {
    this.connection = connection
  }

  get user(): TokenUser {
    return this.connection.user
  }

  get traceId(): string {
    this.#traceId ??= idToText(newId())
    return this.#traceId
  }
}
