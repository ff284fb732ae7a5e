import { describe, expect, it } from 'vitest'
import { EVENT_STATES } from './event.ts'
import { type JudgedEvent, refusalOf } from './permission.ts'

const PLAIN: JudgedEvent = { state: 'dead', outcome: null, isConflict: false, approved: false, hasFact: true }

describe('what a person may do to an event', () => {
  it('is decided by its state', () => {
    const table = EVENT_STATES.map((state) => {
      const event = { ...PLAIN, state }
      return [state, refusalOf('replay', event), refusalOf('release', event), refusalOf('discard', event)]
    })
    expect(table).toEqual([
      ['received', 'at_work', 'at_work', null],
      ['processed', null, 'finished', 'finished'],
      ['paused', 'paused', 'paused', null],
      ['parked', null, null, null],
      ['unconfirmed', null, null, null],
      ['quarantined', null, null, null],
      ['dead', null, null, null],
      ['discarded', 'discarded', 'discarded', 'discarded'],
    ])
  })

  it('is nothing at all once it moved its payment', () => {
    const applied: JudgedEvent = { ...PLAIN, state: 'processed', outcome: 'applied', approved: true }
    for (const verb of ['replay', 'release', 'discard'] as const)
      expect(refusalOf(verb, applied)).toBe('applied')
  })

  it('is no release where it says nothing of a payment', () => {
    for (const state of ['quarantined', 'parked', 'unconfirmed', 'dead'] as const) {
      const silent: JudgedEvent = { ...PLAIN, state, hasFact: false }
      expect(refusalOf('release', silent)).toBe('nothing_to_book')
      expect(refusalOf('replay', silent)).toBeNull()
      expect(refusalOf('discard', silent)).toBeNull()
    }
  })

  it('needs a release, not a replay, where it contradicts an earlier event', () => {
    for (const state of ['quarantined', 'parked', 'unconfirmed', 'dead'] as const) {
      const conflict: JudgedEvent = { ...PLAIN, state, isConflict: true }
      expect(refusalOf('replay', conflict)).toBe('conflict')
      expect(refusalOf('release', conflict)).toBeNull()
      expect(refusalOf('discard', conflict)).toBeNull()
      expect(refusalOf('replay', { ...conflict, approved: true })).toBeNull()
    }
  })
})
