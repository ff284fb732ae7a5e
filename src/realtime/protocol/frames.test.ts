import { describe, expect, it } from 'vitest'
import { parseFields } from '../../base/validation.ts'
import { COMMAND_FRAME, PUSH_FRAME, REPLY_FRAME } from './frames.ts'
import { SESSION_PUSHES } from './session-pushes.ts'

const errorsOf = (frame: unknown) => {
  const parsed = parseFields(COMMAND_FRAME, frame)
  return parsed.ok ? [] : parsed.errors.map(({ field, message }) => `${field}: ${message}`)
}

describe('frames of clients', () => {
  it('need neither an id nor data', () => {
    expect(COMMAND_FRAME.parse({ event: 'ping' })).toEqual({ event: 'ping', data: {} })
  })

  it.each<[unknown, string]>([
    [{ event: '' }, 'event: 1 to 64 visible ASCII characters'],
    [{}, 'event: 1 to 64 visible ASCII characters'],
    [{ event: 'ping', id: 7 }, 'id: 1 to 64 visible ASCII characters'],
    [{ event: 'ping', id: 'a b' }, 'id: 1 to 64 visible ASCII characters'],
    [{ event: 'ping', id: 'x'.repeat(65) }, 'id: 1 to 64 visible ASCII characters'],
    [{ event: 'ping', data: [] }, 'data: an object'],
    [{ event: 'ping', extra: 1 }, 'extra: unknown field'],
  ])('%o is refused', (frame, message) => {
    expect(errorsOf(frame)).toContain(message)
  })
})

describe('frames of the server', () => {
  it('are replies that tell success from failure', () => {
    expect(REPLY_FRAME.safeParse({ re: 'c7', ok: true, data: {} }).success).toBe(true)
    const error = { code: 'ride_taken', message: 'another driver has it', retry: false }
    expect(REPLY_FRAME.safeParse({ re: null, ok: false, error }).success).toBe(true)
    expect(REPLY_FRAME.safeParse({ re: 'c7', ok: false }).success).toBe(false)
    expect(REPLY_FRAME.safeParse({ re: null, ok: true, data: {} }).success).toBe(false)
  })

  it('are pushes, numbered from 1', () => {
    expect(PUSH_FRAME.safeParse({ event: 'pong', data: { serverTime: 1 } }).success).toBe(true)
    expect(PUSH_FRAME.safeParse({ event: 'payment:updated', seq: 0, data: {} }).success).toBe(false)
  })

  it('begin with ready', () => {
    const snapshot = {
      trip: null,
      offers: [],
      bids: [],
      payments: [],
      driver: { isOnline: true, availability: null },
    }
    const ready = {
      ...{ connectionId: 'c-1', serverTime: 1, heartbeatMs: 25_000, head: 0, acked: 0, snapshot },
      limits: { messageBytes: 16_384 },
    }
    expect(SESSION_PUSHES.ready.data.parse(ready)).toEqual(ready)
  })
})
