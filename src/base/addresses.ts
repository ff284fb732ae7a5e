import { BlockList, isIP, SocketAddress } from 'node:net'

/**
 * One spelling for every address: an IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`, as a socket that listens to
 * both says it) becomes IPv4, IPv6 is shortened and loses its zone. null: this is no address.
 */
export function canonicalAddress(text: string): string | null {
  const family = isIP(text)
  if (family === 0) return null
  if (family === 4) return text
  const { address } = new SocketAddress({ address: text.replace(/%.*$/, ''), family: 'ipv6' })
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address
}

/**
 * The part of an address that one customer of a network has to himself: all of an IPv4 address, the first 64 bits of an
 * IPv6 address, whose rest anybody may choose anew for every request. Takes a canonical address.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const first = groups(head)
  const last = groups(tail ?? '')
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - first.length - last.length }, () => '0')
  return `${[...first, ...zeros, ...last].slice(0, 4).join(':')}::/64`
}

/** A dotted end counts for two groups. */
function groups(part: string): string[] {
  return part === ''
    ? []
    : part.split(':').flatMap((group) => (group.includes('.') ? [group, group] : [group]))
}

interface Range {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Whether this is an address (`10.0.0.1`) or a range of them (`10.0.0.0/8`, `fd00::/8`). */
export function isRange(text: string): boolean {
  return parseRange(text) !== null
}

/** A set of addresses, made of single ones and of ranges in CIDR form, IPv4 and IPv6 apart: `::/0` holds no IPv4 address. */
export class AddressRanges {
  // A list of both would find every IPv4 address in `::/0`.
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() }

  /** Throws a RangeError on anything that isRange() refuses. */
  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const range = parseRange(text)
      if (range === null) throw new RangeError(`no address and no range of addresses: ${text}`)
      this.#lists[range.family].addSubnet(range.address, range.bits, range.family)
    }
  }

  /** Whether the address, in any spelling, is one of these. What is no address is not. */
  has(address: string): boolean {
    const canonical = canonicalAddress(address)
    if (canonical === null) return false
    const family = isIP(canonical) === 4 ? 'ipv4' : 'ipv6'
    return this.#lists[family].check(canonical, family)
  }
}

function parseRange(text: string): Range | null {
  const [, written = '', bitsText] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = canonicalAddress(written)
  if (address === null) return null
  const isIpv4 = isIP(address) === 4
  const fullBits = isIpv4 ? 32 : 128
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; with fewer than 96 bits it would hold more than IPv4 addresses.
  const mappedBits = isIpv4 && isIP(written) === 6 ? 96 : 0
  const bits = bitsText === undefined ? fullBits : Number(bitsText) - mappedBits
  if (bits < 0 || bits > fullBits) return null
  return { address, bits, family: isIpv4 ? 'ipv4' : 'ipv6' }
}

/**
 * Who sent a request: the socket's other end, unless that is a trusted proxy. Then `X-Forwarded-For` is read from the
 * right, where each proxy has added whom it heard, up to the first address that is no trusted proxy: what stands left of it
 * is the client's own invention. An entry that is no address ends the walk at the proxy that passed it on.
 *
 * Returns a canonical address; null only when the socket has none any more.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: AddressRanges,
): string | null {
  let known = canonicalAddress(peer ?? '')
  if (known === null || forwardedFor === undefined) return known
  const hops = forwardedFor.split(',')
  for (let hop = hops.pop(); hop !== undefined && trusted.has(known); hop = hops.pop()) {
    const next = canonicalAddress(withoutPort(hop.trim()))
    if (next === null) return known
    known = next
  }
  return known
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop
}
