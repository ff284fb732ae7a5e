import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../test/support/property-runs.ts'
import { parseFrame } from './frames.ts'

const read = (value: unknown) => parseFrame(JSON.stringify(value))

describe('a frame', () => {
  it('is a push', () => {
    expect(read({ event: 'pong', data: { serverTime: 1 } })).toEqual({
      ...{ kind: 'push', meta: { event: 'pong' }, data: { serverTime: 1 } },
    })
    expect(read({ event: 'ride:new', seq: 3, data: {}, expiresAt: 9 })).toMatchObject({
      meta: { event: 'ride:new', seq: 3, expiresAt: 9 },
    })
  })

  it('is a reply, or a failure', () => {
    expect(read({ re: 'c7', ok: true, data: { a: 1 } })).toEqual({ kind: 'reply', re: 'c7', data: { a: 1 } })
    expect(read({ re: null, ok: false, error: { code: 'malformed' } })).toEqual({
      ...{ kind: 'failure', re: null, error: { code: 'malformed', message: 'malformed', retry: false } },
    })
    const error = { code: 'busy', message: 'later', retry: true, retryAfterMs: 5, fields: [] }
    expect(read({ re: 'c7', ok: false, error })).toEqual({ kind: 'failure', re: 'c7', error })
  })

  it.each([
    ...[null, 7, [], {}, { event: 'pong' }, { event: 'pong', data: [] }, { event: 'x', seq: 0, data: {} }],
    ...[
      { event: 'x', seq: '1', data: {} },
      { event: 'x', seq: 2 ** 53, data: {} },
      { re: 7, ok: true, data: {} },
    ],
    ...[{ re: 'c7' }, { re: 'c7', ok: false }, { re: 'c7', ok: false, error: { message: 'no code' } }],
  ])('%o is none', (value) => {
    expect(read(value)).toEqual({ kind: 'unknown' })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseFrame(text).kind).toBeTypeOf('string')
      }),
      propertyRuns(500),
    )
  })
})
