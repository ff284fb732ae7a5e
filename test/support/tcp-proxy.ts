import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { PacketStarts } from './mysql-packets.ts'

/**
 * One moment at which the link is cut, for the next request that contains these bytes.
 *
 * request: before it reaches the server. sent: as soon as it was handed to the server, which may or may not act on it.
 * answer: when the server has answered, and instead of the answer. Whatever waits for that answer cannot know more of the
 * three than that the link is gone.
 */
export type Cut =
  | { readonly at: 'request' | 'sent' | 'answer'; readonly containing: string | Buffer }
  /** Instead of the nth packet (counted from 1, MySQL's framing) that the server sends from now on, over any link. */
  | { readonly at: 'packet'; readonly number: number }

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** The end of what the client sent so far, so that a needle in two chunks is found. */
  tail: Buffer
  isCutAtAnswer: boolean
  readonly answers: PacketStarts
  readonly held: Buffer[]
}

/** A TCP proxy on a loopback port that stands between a client and a server and breaks their link in every way. */
export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #links = new Set<Link>()
  #server: Server | null = null
  #port = 0
  #isFrozen = false
  #isHolding = false
  #cut: { readonly cut: Cut; readonly struck: () => void } | null = null
  #freezeAt: { readonly containing: Buffer; readonly struck: () => void } | null = null
  /** Since a cut was armed, over all links. */
  #packetsSeen = 0
  #heldWaiters: { readonly count: number; readonly resolve: () => void }[] = []

  private constructor(target: { host: string; port: number }) {
    this.#target = target
  }

  static async open(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await proxy.accept()
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** How many links are open. */
  get links(): number {
    return this.#links.size
  }

  /** Accepts connections again after refuse(), on the same port. */
  async accept(): Promise<void> {
    const server = createServer((client) => this.#join(client))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Cuts every link and refuses new ones, as a server that is not running does. */
  async refuse(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    this.cutAll()
    await closed
  }

  /** Ends every link at once, both sides with a reset. */
  cutAll(): void {
    for (const link of this.#links) this.#end(link)
  }

  /** Lets nothing through in either direction and keeps the links open, as a stopped server does. */
  freeze(): void {
    this.#isFrozen = true
    this.freezeLinks()
  }

  /** Freezes the links that there are, and no others: connections that died without a word. */
  freezeLinks(): void {
    for (const link of this.#links) pauseLink(link)
  }

  /** Freezes when the next request that contains these bytes arrives; it is not let through. Resolves then. */
  freezeAt(containing: string | Buffer): Promise<void> {
    return new Promise((struck) => {
      this.#freezeAt = { containing: Buffer.from(containing), struck }
    })
  }

  /** Lets answers through, and no requests any more: half of the link is dead. */
  dropRequests(): void {
    for (const { client } of this.#links) client.pause()
  }

  thaw(): void {
    this.#isFrozen = false
    for (const { client, server } of this.#links) {
      client.resume()
      server.resume()
    }
  }

  /** Lets requests through and keeps the answers back. */
  holdAnswers(): void {
    this.#isHolding = true
  }

  /** Resolves when `count` links have an answer that is held back. */
  answersHeld(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#heldWaiters.push({ count, resolve })
      this.#tellHeld()
    })
  }

  releaseAnswers(): void {
    this.#isHolding = false
    for (const link of this.#links) for (const chunk of link.held.splice(0)) link.client.write(chunk)
  }

  /** Arms one cut; resolves when it has struck. */
  arm(cut: Cut): Promise<void> {
    this.#packetsSeen = 0
    return new Promise((struck) => {
      this.#cut = { cut, struck }
    })
  }

  async close(): Promise<void> {
    this.thaw()
    await this.refuse()
  }

  #join(client: Socket): void {
    const server = connect({ ...this.#target, noDelay: true })
    client.setNoDelay(true)
    const link: Link = {
      client,
      server,
      tail: Buffer.alloc(0),
      isCutAtAnswer: false,
      answers: new PacketStarts(),
      held: [],
    }
    this.#links.add(link)
    client.on('data', (chunk) => this.#onRequest(link, chunk))
    server.on('data', (chunk) => this.#onAnswer(link, chunk))
    for (const socket of [client, server]) {
      socket.on('error', () => this.#end(link))
      socket.on('close', () => this.#end(link))
    }
    if (this.#isFrozen) pauseLink(link)
  }

  #onRequest(link: Link, chunk: Buffer): void {
    if (this.#freezeAt && endsIn(link.tail, chunk, this.#freezeAt.containing)) {
      this.freeze()
      link.client.unshift(chunk)
      this.#freezeAt.struck()
      this.#freezeAt = null
      return
    }
    const cut = this.#cut?.cut
    const isMeant = cut !== undefined && cut.at !== 'packet' && endsIn(link.tail, chunk, cut.containing)
    link.tail = Buffer.concat([link.tail, chunk]).subarray(-MAX_NEEDLE_BYTES)
    if (isMeant && cut.at === 'request') this.#strike(link)
    else if (isMeant && cut.at === 'sent') link.server.write(chunk, () => this.#strike(link))
    else {
      if (isMeant) link.isCutAtAnswer = true
      link.server.write(chunk)
    }
  }

  #onAnswer(link: Link, chunk: Buffer): void {
    if (link.isCutAtAnswer) {
      this.#strike(link)
      return
    }
    const starts = link.answers.read(chunk)
    const cut = this.#cut?.cut
    if (cut?.at === 'packet') {
      const cutAt = starts[cut.number - this.#packetsSeen - 1]
      this.#packetsSeen += starts.length
      if (cutAt !== undefined) {
        link.client.write(chunk.subarray(0, cutAt), () => this.#strike(link))
        return
      }
    }
    if (!this.#isHolding) {
      link.client.write(chunk)
      return
    }
    link.held.push(chunk)
    this.#tellHeld()
  }

  #strike(link: Link): void {
    this.#end(link)
    this.#cut?.struck()
    this.#cut = null
  }

  #tellHeld(): void {
    const held = [...this.#links].filter((link) => link.held.length > 0).length
    this.#heldWaiters = this.#heldWaiters.filter(({ count, resolve }) => {
      if (held < count) return true
      resolve()
      return false
    })
  }

  #end(link: Link): void {
    this.#links.delete(link)
    link.client.resetAndDestroy()
    link.server.resetAndDestroy()
  }
}

/** The longest needle that is found when it comes in two chunks. */
const MAX_NEEDLE_BYTES = 256

/** Does the needle occur in `tail` + `chunk`, and end in the chunk? */
function endsIn(tail: Buffer, chunk: Buffer, needle: string | Buffer): boolean {
  const before = tail.subarray(tail.length - Math.min(tail.length, Buffer.byteLength(needle) - 1))
  return Buffer.concat([before, chunk]).includes(needle)
}

function pauseLink({ client, server }: Link): void {
  client.pause()
  server.pause()
}
