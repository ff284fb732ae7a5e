import { describe, expect, it } from 'vitest'
import { samples } from '../src/webhooks/gateways/samples/samples.ts'
import { Target } from './support/attacks.ts'
import { bodyOf, written } from './support/delivery-fields.ts'
import { flipsOf, leavesOf, withLeaf } from './support/json-leaves.ts'
import { SIGNED_FIELDS } from './support/signatures.ts'

/**
 * What a signature covers, bit by bit, of every gateway; bodies that are signed as bytes are flipped in
 * src/webhooks/gateways/conformance.test.ts. What it does not cover moves no other money.
 */

function isSignedField(gateway: string, name: string): boolean {
  const entries = SIGNED_FIELDS[gateway] ?? []
  const names = (entry: string) =>
    entry === name || (entry.endsWith('*') && name.startsWith(entry.slice(0, -1)))
  const isLeftOut = entries.some((entry) => entry.startsWith('!') && names(entry.slice(1)))
  return !isLeftOut && entries.some(names)
}

describe.each(Object.keys(SIGNED_FIELDS))('%s: signed fields', (gateway) => {
  const target = new Target(gateway, { gatewayRef: '100200', amountMinor: 12_300n })
  const kinds = (samples.get(gateway)?.kinds ?? []).filter(
    (kind) => kind === 'captured' || kind === 'refunded',
  )

  it.each(kinds)('a flipped bit of any is refused, and of any other moves no other money: %s', (kind) => {
    const genuine = target.genuine({ kind })
    const settled = target.settles(genuine).map(({ fact }) => fact)
    const body: unknown = bodyOf(genuine)
    const leaves = leavesOf(body)
    const taken = new Set<string>()
    for (const { path, value } of leaves) {
      for (const flip of flipsOf(value)) {
        const changed = { ...genuine, body: written(genuine, withLeaf(body, path, flip)) }
        if (target.receive(changed).kind !== 'refused') taken.add(path.join('.'))
        for (const { fact } of target.settles(changed))
          expect([path, flip, settled]).toEqual([path, flip, expect.arrayContaining([fact])])
      }
    }
    const names = leaves.map(({ path }) => path.join('.')).filter((name) => !NOT_LOOKED_AT.test(name))
    expect(names.filter((name) => !taken.has(name))).toEqual(
      names.filter((name) => isSignedField(gateway, name)),
    )
  })
})

/** Where a key is pinned nobody looks for its certificate; the signature is looked at below. */
const NOT_LOOKED_AT = /^(?:SigningCertURL|UnsubscribeURL)$|hmacSignature$/
