import { WebSocket } from 'ws'
import type { Connection } from './connection.ts'
import type { Inbox } from './inbox.ts'

/** A socket that knows its connection, so that all sockets share their listeners: closures for each would cost more than an idle socket may. */
export class FeedSocket extends WebSocket {
  connection: Connection | null = null
  /** Made when the client says something for the first time. */
  inbox: Inbox | null = null
}
