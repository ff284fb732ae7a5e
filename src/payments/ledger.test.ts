import { describe, expect, it } from 'vitest'
import { inWords } from '../../test/support/payment-samples.ts'
import { BrokenInvariant } from '../base/assert.ts'
import {
  assertBalanced,
  capturePostings,
  disputeLostPostings,
  disputeOpenedPostings,
  disputeWonPostings,
  lossReversalPostings,
  refundPostings,
  refundReversalPostings,
  unheldDisputeLostPostings,
} from './ledger.ts'

const ENTRIES = [
  [capturePostings, '+gateway_receivable 300, -rider_payments 300'],
  [refundPostings, '+refunds 300, -gateway_receivable 300'],
  [refundReversalPostings, '+gateway_receivable 300, -refunds 300'],
  [disputeOpenedPostings, '+disputes_held 300, -gateway_receivable 300'],
  [disputeWonPostings, '+gateway_receivable 300, -disputes_held 300'],
  [disputeLostPostings, '+chargebacks 300, -disputes_held 300'],
  [unheldDisputeLostPostings, '+chargebacks 300, -gateway_receivable 300'],
  [lossReversalPostings, '+gateway_receivable 300, -chargebacks 300'],
] as const

describe.each(ENTRIES.map(([entry, words]) => ({ name: entry.name, entry, words })))(
  '$name',
  ({ entry, words }) => {
    it(`books ${words}`, () => {
      expect(inWords(entry(300n))).toBe(words)
      expect(() => assertBalanced(entry(300n))).not.toThrow()
    })

    it.each([0n, -1n])('refuses to book %s', (amountMinor) => {
      expect(() => entry(amountMinor)).toThrow(BrokenInvariant)
    })
  },
)

describe('assertBalanced', () => {
  it('accepts no postings and any number of legs that sum up to zero', () => {
    expect(() => assertBalanced([])).not.toThrow()
    expect(() => assertBalanced([...capturePostings(5n), ...refundPostings(3n)])).not.toThrow()
  })

  it('names the minor units that are missing', () => {
    const lost = [...capturePostings(5n), { account: 'refunds', amountMinor: 2n } as const]
    expect(() => assertBalanced(lost)).toThrow(
      new BrokenInvariant('postings are out of balance by 2 minor units'),
    )
  })
})
