import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  CommandError,
  type Commands,
  OncelineClient,
  type PushMeta,
  type ReplyData,
} from '../../../client/client.ts'
import { mintToken } from '../../realtime/door/mint.ts'
import type { UserType } from '../../realtime/door/token.ts'
import type { Stage } from './stage.ts'

const TOKEN_LIFETIME_MS = 3_600_000

/** What a phone has shown of its feed. */
export interface Shown {
  readonly seq: number
  readonly event: string
  readonly paymentId: string
}

/** An app of the demo: the client as apps use it, behind a balancer that prefers one node, as Nginx may. */
export class Phone {
  readonly shown: Shown[] = []
  readonly userId: string
  /** What was told last under each name, kept or not. */
  readonly #last = new Map<string, ReplyData>()
  /** The head of the feed when it first connected. */
  #head = 0
  readonly #client: OncelineClient
  readonly #balancer: Balancer

  private constructor(userId: string, client: OncelineClient, balancer: Balancer) {
    this.userId = userId
    this.#client = client
    this.#balancer = balancer
    const forget = client.on('ready', ({ head }) => {
      this.#head = head
      forget()
    })
    client.onAny((data, meta) => this.#show(data, meta))
  }

  static async open(
    stage: Stage,
    userId: string,
    userType: UserType,
    nodes: readonly string[],
  ): Promise<Phone> {
    const balancer = await Balancer.open(stage, nodes)
    const user = { userId, userType }
    const client = new OncelineClient({
      url: `ws://127.0.0.1:${balancer.port}`,
      token: () => mintToken(stage.jwtSecret, { ...user, expiresAtMs: Date.now() + TOKEN_LIFETIME_MS }),
      backoffBaseMs: 100,
    })
    const phone = new Phone(userId, client, balancer)
    client.connect()
    await client.opened()
    return phone
  }

  /** Which node it talks to. */
  get node(): string {
    return this.#balancer.last
  }

  /** Whether it has shown so many messages, one number after the other and each once. */
  hasShown(count: number): boolean {
    return this.shown.length === count && this.shown.every(({ seq }, index) => seq === this.#head + 1 + index)
  }

  sees(paymentId: string): boolean {
    return this.shown.some((one) => one.event === 'payment:completed' && one.paymentId === paymentId)
  }

  /** What it was told last under this name. */
  last(event: string): ReplyData | undefined {
    return this.#last.get(event)
  }

  /** Sends a command; the reply's data, or the code of the refusal. */
  async send<Event extends keyof Commands>(event: Event, data: Commands[Event]): Promise<ReplyData | string> {
    try {
      return (await this.#client.send(event, data)) as ReplyData
    } catch (error) {
      if (error instanceof CommandError) return error.code
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
    this.#balancer.close()
  }

  #show(data: ReplyData, { event, seq }: PushMeta): void {
    this.#last.set(event, data)
    if (seq !== undefined && seq !== null) this.shown.push({ seq, event, paymentId: String(data.paymentId) })
  }
}

/** Leads each connection to the first node of its list that answers. */
class Balancer {
  readonly port: number
  last = ''
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, port: number, sockets: Set<Socket>) {
    this.#server = server
    this.port = port
    this.#sockets = sockets
  }

  static open(stage: Stage, nodes: readonly string[]): Promise<Balancer> {
    const sockets = new Set<Socket>()
    return new Promise((resolve) => {
      const server = createServer((client) => {
        sockets.add(client)
        client.on('error', () => undefined)
        lead(client, stage, nodes, (name) => {
          balancer.last = name
        })
      })
      let balancer: Balancer
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        balancer = new Balancer(
          server,
          typeof address === 'object' && address !== null ? address.port : 0,
          sockets,
        )
        resolve(balancer)
      })
    })
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

function lead(
  client: Socket,
  stage: Stage,
  [name, ...others]: readonly string[],
  onLed: (name: string) => void,
): void {
  if (name === undefined) {
    client.destroy()
    return
  }
  let isLed = false
  const node = connect(Number(new URL(stage.node(name).url).port), '127.0.0.1', () => {
    isLed = true
    onLed(name)
    client.pipe(node).pipe(client)
  })
  node.on('error', () => (isLed ? client.destroy() : lead(client, stage, others, onLed)))
  client.once('close', () => node.destroy())
  node.once('close', () => isLed && client.destroy())
}
