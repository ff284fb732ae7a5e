import { WebSocket } from 'ws'
import type { Connection } from './connection.ts'
import type { Inbox } from './inbox.ts'

/** What a socket tells of itself; each is called with the socket as `this`. */
export interface SocketHearer {
  message(this: FeedSocket, data: Buffer, isBinary: boolean): void
  ping(this: FeedSocket): void
  pong(this: FeedSocket): void
  error(this: FeedSocket): void
  close(this: FeedSocket, code: number): void
}

/**
 * A socket that knows its connection, so that all sockets share their hearer: closures for each, or even a list of listeners, would
 * cost more than an idle socket may.
 */
export class FeedSocket extends WebSocket {
  connection: Connection | null = null
  /** Made when the client says something for the first time. */
  inbox: Inbox | null = null
  hearer: SocketHearer | null = null

  /** Tells the hearer first, and then whoever else listens. An error that was heard is not thrown for want of a listener. */
  override emit(event: string | symbol, ...details: never[]): boolean {
    const { hearer } = this
    if (hearer !== null && isHeard(event)) {
      Reflect.apply(hearer[event], this, details)
      if (event === 'error' && this.listenerCount(event) === 0) return true
    }
    return super.emit(event, ...details)
  }
}

function isHeard(event: string | symbol): event is keyof SocketHearer {
  switch (event) {
    case 'message':
    case 'ping':
    case 'pong':
    case 'error':
    case 'close':
      return true
    default:
      return false
  }
}
