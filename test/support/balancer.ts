import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Leads each connection to the next of its processes that answers, and cuts them all when it is told to. */
export class Balancer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #ports: readonly number[]
  #turn = 0

  private constructor(ports: readonly number[]) {
    this.#ports = ports
    this.#server = createServer((client) => this.#lead(client, this.#ports.length))
  }

  static async open(ports: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(ports)
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    return balancer
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Without a close frame, as a network does that goes away. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
  }

  async close(): Promise<void> {
    this.cutAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #lead(client: Socket, tries: number): void {
    client.on('error', () => undefined)
    const port = this.#ports[this.#turn % this.#ports.length]
    this.#turn += 1
    if (port === undefined || tries === 0) {
      client.destroy()
      return
    }
    let isLed = false
    const node = connect(port, '127.0.0.1', () => {
      isLed = true
      this.#sockets.add(client)
      client.pipe(node).pipe(client)
    })
    node.on('error', () => (isLed ? client.destroy() : this.#lead(client, tries - 1)))
    node.once('close', () => isLed && client.destroy())
    client.once('close', () => {
      this.#sockets.delete(client)
      node.destroy()
    })
  }
}
