import { serve } from '../child.ts'
import type { Dialect, FrameSocket } from './frame-socket.ts'
import { greeted } from './sockets.ts'
import { addressOf, signToken, userIdOf } from './tokens.ts'

export interface ReaderOrder {
  readonly port: number
  readonly dialect: Dialect
  readonly secret: string
  readonly userIndex: number
  /** False: after its greeting it takes nothing from the kernel any more. */
  readonly reads: boolean
  /** From which message on; by default from now on. */
  readonly since?: number
}

export interface ReaderReport {
  readonly messages: number
  /** The number of the last message; 0: none had one. */
  readonly seq: number
  /** Messages whose number was not the one after the last. */
  readonly disordered: number
  /** null: it is open. */
  readonly closed: { readonly code: number | null } | null
}

const SEQ = /"seq":(\d+)/
/** The number stands behind the event's name. */
const HEAD_BYTES = 120

/** One socket, and what it has heard. */
class Reader {
  socket: FrameSocket | null = null
  messages = 0
  disordered = 0
  closed: ReaderReport['closed'] = null
  seq: number

  constructor(seq: number) {
    this.seq = seq
  }

  hear(payload: Buffer): void {
    const text = SEQ.exec(payload.toString('latin1', 0, HEAD_BYTES))?.[1]
    if (text === undefined) return
    const seq = Number(text)
    if (seq !== this.seq + 1) this.disordered += 1
    this.seq = seq
  }
}

let reader = new Reader(0)

serve({
  open: async ({ port, dialect, secret, userIndex, reads, since }: ReaderOrder): Promise<null> => {
    const opened = new Reader(since ?? 0)
    reader = opened
    const token = signToken(secret, userIdOf(userIndex))
    const shape = { port, dialect, token, localAddress: addressOf(userIndex) }
    opened.socket = await greeted(
      { ...shape, ...(since === undefined ? {} : { since }) },
      {
        onMessages: (count) => {
          opened.messages += count
        },
        onMessage: (payload) => opened.hear(payload),
      },
      (code) => {
        opened.closed = { code }
      },
    )
    if (!reads) opened.socket.stopReading()
    return null
  },
  report: (): ReaderReport => {
    const { messages, seq, disordered, closed } = reader
    return { messages, seq, disordered, closed }
  },
  readOn: (): null => {
    reader.socket?.readOn()
    return null
  },
  close: (): null => {
    reader.socket?.close()
    return null
  },
})
