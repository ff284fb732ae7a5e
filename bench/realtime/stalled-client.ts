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

let socket: FrameSocket | null = null
let report: ReaderReport = { messages: 0, seq: 0, disordered: 0, closed: null }

serve({
  open: async ({ port, dialect, secret, userIndex, reads, since }: ReaderOrder): Promise<null> => {
    report = { messages: 0, seq: since ?? 0, disordered: 0, closed: null }
    const token = signToken(secret, userIdOf(userIndex))
    const shape = {
      port,
      dialect,
      token,
      localAddress: addressOf(userIndex),
      ...(since === undefined ? {} : { since }),
    }
    socket = await greeted(
      shape,
      {
        onMessages: (count) => {
          report = { ...report, messages: report.messages + count }
        },
        onMessage: hear,
      },
      (code) => {
        report = { ...report, closed: { code } }
      },
    )
    if (!reads) socket.stopReading()
    return null
  },
  report: () => report,
  readOn: (): null => {
    socket?.readOn()
    return null
  },
  close: (): null => {
    socket?.close()
    return null
  },
})

function hear(payload: Buffer): void {
  const text = SEQ.exec(payload.toString('latin1', 0, HEAD_BYTES))?.[1]
  if (text === undefined) return
  const seq = Number(text)
  const isNext = seq === report.seq + 1
  report = { ...report, seq, disordered: report.disordered + (isNext ? 0 : 1) }
}
