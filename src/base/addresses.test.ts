import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { AddressRanges, canonicalAddress, clientAddress, isRange, networkOf } from './addresses.ts'

/** An address as its bits, and in one of the spellings that it may have. */
interface Spelled {
  readonly family: 4 | 6
  readonly value: bigint
  readonly text: string
}

const ipv4: fc.Arbitrary<Spelled> = fc
  .tuple(fc.bigInt(0n, 2n ** 32n - 1n), fc.constantFrom('plain', 'mapped', 'mapped in hex'))
  .map(([value, spelling]) => ({ family: 4, value, text: spellIpv4(value, spelling) }))
const ipv6: fc.Arbitrary<Spelled> = fc
  .tuple(fc.bigInt(0n, 2n ** 128n - 1n), fc.boolean())
  .filter(([value]) => value >> 32n !== 0xffffn)
  .map(([value, isLong]) => ({ family: 6, value, text: isLong ? longIpv6(value) : shortIpv6(value) }))
const anyAddress = fc.oneof(ipv4, ipv6)

function spellIpv4(value: bigint, spelling: string): string {
  const hex = value.toString(16).padStart(8, '0')
  const dotted = [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.')
  if (spelling === 'plain') return dotted
  return spelling === 'mapped' ? `::ffff:${dotted}` : `0:0:0:0:0:FFFF:${hex.slice(0, 4)}:${hex.slice(4)}`
}

function longIpv6(value: bigint): string {
  return value
    .toString(16)
    .padStart(32, '0')
    .toUpperCase()
    .replace(/(.{4})(?!$)/g, '$1:')
}

function shortIpv6(value: bigint): string {
  return canonicalAddress(longIpv6(value)) ?? ''
}

/** The first `bits` of both are the same. */
function share(a: Spelled, b: Spelled, bits: number): boolean {
  if (a.family !== b.family) return false
  const rest = BigInt((a.family === 4 ? 32 : 128) - bits)
  return a.value >> rest === b.value >> rest
}

describe('canonicalAddress', () => {
  it('is one for every spelling, and its own', () => {
    fc.assert(
      fc.property(anyAddress, ({ family, value, text }) => {
        const plain = family === 4 ? spellIpv4(value, 'plain') : canonicalAddress(longIpv6(value))
        expect(canonicalAddress(text)).toBe(plain)
        expect(canonicalAddress(plain ?? '')).toBe(plain)
      }),
      propertyRuns(500),
    )
  })

  it.each(['', 'localhost', '10.0.0', '010.0.0.1', '10.0.0.1:80', '[::1]', ' ::1', 'fe80::1::'])(
    'is not made of %j',
    (text) => expect(canonicalAddress(text)).toBeNull(),
  )

  it('has no zone', () => expect(canonicalAddress('fe80::1%eth0')).toBe('fe80::1'))
})

describe('AddressRanges', () => {
  it('hold what has the same first bits, in every spelling', () => {
    const near = fc.tuple(anyAddress, fc.nat(128), fc.nat(127)).map(([address, bits, flip]) => {
      const width = address.family === 4 ? 32 : 128
      const value = address.value ^ (1n << BigInt(flip % width))
      const text = address.family === 4 ? spellIpv4(value, 'mapped') : longIpv6(value)
      return { range: address, bits: bits % (width + 1), other: { ...address, value, text } }
    })
    fc.assert(
      fc.property(near, anyAddress, ({ range, bits, other }, stranger) => {
        const mapped = range.family === 4 && range.text.includes(':')
        const ranges = new AddressRanges([`${range.text}/${mapped ? bits + 96 : bits}`])
        expect(ranges.has(range.text)).toBe(true)
        expect(ranges.has(other.text)).toBe(share(range, other, bits))
        expect(ranges.has(stranger.text)).toBe(share(range, stranger, bits))
      }),
      propertyRuns(1_000),
    )
  })

  it('keep the families apart', () => {
    expect(new AddressRanges(['::/0']).has('10.0.0.1')).toBe(false)
    expect(new AddressRanges(['::/0']).has('::ffff:10.0.0.1')).toBe(false)
    expect(new AddressRanges(['0.0.0.0/0']).has('::1')).toBe(false)
  })

  it('hold nothing that is no address, and nothing when they are none', () => {
    expect(new AddressRanges(['0.0.0.0/0', '::/0']).has('unknown')).toBe(false)
    expect(new AddressRanges([]).has('10.0.0.1')).toBe(false)
  })

  it.each([
    '',
    'x',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0/8',
    '::ffff:10.0.0.0/95',
    'fe80::1%e',
  ])('are not made of %j', (text) => {
    expect(isRange(text)).toBe(false)
    expect(() => new AddressRanges([text])).toThrow(RangeError)
  })
})

describe('networkOf', () => {
  it('is shared by addresses with the same first 64 bits of IPv6, and by equal ones of IPv4', () => {
    const pair = fc.tuple(anyAddress, fc.bigInt(0n, 2n ** 64n - 1n), fc.nat(127))
    fc.assert(
      fc.property(pair, ([address, noise, flip]) => {
        const network = networkOf(canonicalAddress(address.text) ?? '')
        if (address.family === 4) {
          expect(network).toBe(canonicalAddress(address.text))
          return
        }
        const other = { ...address, value: address.value ^ noise ^ (flip > 63 ? 1n << BigInt(flip) : 0n) }
        const same = networkOf(canonicalAddress(longIpv6(other.value)) ?? '') === network
        expect(same).toBe(share(address, other, 64))
        expect(new AddressRanges([network]).has(address.text)).toBe(true)
      }),
      propertyRuns(500),
    )
  })
})

describe('clientAddress', () => {
  const trusted = new AddressRanges(['10.0.0.0/8', 'fd00::/8'])
  const proxy = fc
    .oneof(ipv4, ipv6)
    .map(({ family, value }) =>
      family === 4
        ? spellIpv4((10n << 24n) | (value & 0xffffffn), value % 2n === 0n ? 'plain' : 'mapped')
        : longIpv6((0xfdn << 120n) | (value & (2n ** 120n - 1n))),
    )
  const outsider = anyAddress.filter(({ text }) => !trusted.has(text))
  /** What a client may write itself: addresses, trusted ones too, and nonsense. */
  const invention = fc.array(
    fc.oneof(
      proxy,
      anyAddress.map(({ text }) => text),
      fc.string(),
    ),
    { maxLength: 4 },
  )

  it("is the socket's where that is no trusted proxy, whatever the header says", () => {
    fc.assert(
      fc.property(outsider, invention, ({ text }, forged) => {
        expect(clientAddress(text, forged.join(', '), trusted)).toBe(canonicalAddress(text))
      }),
      propertyRuns(500),
    )
  })

  it('is the one that the first trusted proxy heard, however much its client invents', () => {
    const chain = fc.tuple(outsider, invention, fc.array(proxy, { maxLength: 3 }), proxy)
    fc.assert(
      fc.property(chain, ([client, forged, proxies, peer]) => {
        const header = [...forged, client.text, ...proxies].join(',')
        expect(clientAddress(peer, header, trusted)).toBe(canonicalAddress(client.text))
      }),
      propertyRuns(1_000),
    )
  })

  it('is the leftmost where all are trusted, and the proxy itself where there is no header', () => {
    expect(clientAddress('10.0.0.1', '10.0.0.3, 10.0.0.2', trusted)).toBe('10.0.0.3')
    expect(clientAddress('::ffff:10.0.0.1', undefined, trusted)).toBe('10.0.0.1')
  })

  it.each([
    ['unknown', '10.0.0.1'],
    ['', '10.0.0.1'],
    ['203.0.113.7, _hidden, 10.0.0.2', '10.0.0.2'],
  ])('ends at the proxy that passed on %j', (header, address) => {
    expect(clientAddress('10.0.0.1', header, trusted)).toBe(address)
  })

  it.each([
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['2001:db8::4711', '2001:db8::4711'],
  ])('is read beside a port: %s', (header, address) => {
    expect(clientAddress('10.0.0.1', header, trusted)).toBe(address)
  })

  it('is null where the socket has none, and never anything but an address', () => {
    expect(clientAddress(undefined, '203.0.113.7', trusted)).toBeNull()
    fc.assert(
      fc.property(fc.string(), fc.string(), (peer, header) => {
        const address = clientAddress(peer, header, trusted)
        expect(address === null || canonicalAddress(address) === address).toBe(true)
      }),
      propertyRuns(500),
    )
  })
})
