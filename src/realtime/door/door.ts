import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Log } from '../../base/log.ts'
import { requestIdOf } from '../../base/request-id.ts'
import type { Sampler } from '../../base/sampler.ts'
import { within } from '../../base/within.ts'
import { FeedSocket } from '../feed-socket.ts'
import type { RealtimeMetrics } from '../metrics.ts'
import { type AdmissionOptions, type AdmissionRefusal, type Admitted, admit } from './admission.ts'
import { chooseProtocol } from './handshake.ts'
import { overloaded } from './refusals.ts'

export interface DoorOptions {
  readonly admission: AdmissionOptions
  readonly metrics: Pick<RealtimeMetrics, 'handshake'>
  readonly log: Log
  /** Lets refusals into the log. */
  readonly refusals: Sampler
  /** Takes over an open socket whose user has a seat, and frees the seat when it is over. */
  readonly onOpen: (ws: FeedSocket, socket: Socket, admitted: Admitted) => void
}

/** A command with an address and a reason is some hundred bytes; nothing that a client says is longer than this. */
export const MAX_MESSAGE_BYTES = 16 * 1024
/** No client of ours sends fragments; a proxy that does needs few. */
const MAX_FRAGMENTS = 32
const MAX_BUFFERED_CHUNKS = 1_024
/** More than a client may send at once, so that whoever floods is told so (4429), not cut off; some kilobytes at most. */
const MAX_PENDING_PONGS = 128
/** How long a peer may take to answer a close frame before its connection is cut. */
const CLOSE_TIMEOUT_MS = 5_000
/** Redis and the token's verification together; a client that waits longer tries anew anyway. */
const ADMISSION_TIMEOUT_MS = 5_000

/** Turns upgrade requests into connections. */
export class Door {
  readonly #options: DoorOptions
  readonly #server = new WebSocketServer({
    noServer: true,
    WebSocket: FeedSocket,
    clientTracking: false,
    // A compressor holds some hundred kilobytes a connection, and messages are short.
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    maxPendingAutoPongs: MAX_PENDING_PONGS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: chooseProtocol,
  } as ConstructorParameters<typeof WebSocketServer>[0])

  constructor(options: DoorOptions) {
    this.#options = options
  }

  /** Answers the server's upgrade requests from now on. */
  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => void this.#receive(request, socket as Socket, head))
  }

  async #receive(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // Nobody else listens until the upgrade: a client that goes away meanwhile is no defect.
    socket.on('error', destroyOnError)
    const requestId = requestIdOf(textOf(request.headers['x-request-id']))
    try {
      const admission = admit(request, socket.remoteAddress, requestId, this.#options.admission)
      const verdict = await within(ADMISSION_TIMEOUT_MS, admission)
      if (verdict === 'late') {
        // He was told to try again; what else came of it is nobody's any more.
        void admission.then(
          (late) => late.kind === 'admitted' && this.#giveBack(late.admitted),
          () => undefined,
        )
        await this.#refuse(socket, 'timeout', overloaded(requestId), requestId)
      } else if (verdict.kind === 'refused') {
        await this.#refuse(socket, verdict.outcome, verdict.answer, requestId)
      } else this.#open(request, socket, head, verdict.admitted)
    } catch (error) {
      this.#options.metrics.handshake('failed')
      this.#options.log.error({ err: error, requestId }, 'a handshake failed')
      socket.destroy()
    }
  }

  #open(request: IncomingMessage, socket: Socket, head: Buffer, admitted: Admitted): void {
    socket.off('error', destroyOnError)
    let isOpen = false
    try {
      this.#server.handleUpgrade(request, socket, head, (ws) => {
        isOpen = true
        this.#options.metrics.handshake('opened')
        this.#options.onOpen(ws as FeedSocket, socket, admitted)
      })
    } finally {
      // The client has gone, or sent what the library refuses.
      if (!isOpen) {
        this.#giveBack(admitted)
        this.#options.metrics.handshake('gone')
      }
    }
  }

  #giveBack({ user, network }: Admitted): void {
    this.#options.admission.seats.free(user, network)
  }

  async #refuse(
    socket: Duplex,
    outcome: AdmissionRefusal | 'timeout',
    answer: Response,
    requestId: string,
  ): Promise<void> {
    this.#options.metrics.handshake(outcome)
    const permission = this.#options.refusals.allow()
    if (permission) this.#options.log.info({ outcome, requestId, ...permission }, 'a handshake was refused')
    socket.once('finish', () => socket.destroy())
    socket.end(await rawAnswer(answer))
  }
}

function destroyOnError(this: Socket): void {
  this.destroy()
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

/** The answer as it goes over a socket that no HTTP server holds any more. */
async function rawAnswer(answer: Response): Promise<string> {
  const body = await answer.text()
  const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}\r\n`)
  const reason = STATUS_CODES[answer.status] ?? ''
  return (
    `HTTP/1.1 ${answer.status} ${reason}\r\n${lines.join('')}` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  )
}
