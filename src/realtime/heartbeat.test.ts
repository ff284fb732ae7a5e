import { describe, expect, it } from 'vitest'
import { manualClock } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import { HEARTBEAT, Heartbeat } from './heartbeat.ts'

/** What the heartbeat sees of a connection, and what it does to it. */
function standIn(nowMs: number, expiresAtMs: number) {
  const done: string[] = []
  const connection = {
    isOpen: true,
    isReady: true,
    isWarned: false,
    isAwaited: false,
    pingedAtMs: nowMs,
    heardAtMs: nowMs,
    user: { userId: 'rider', userType: 'customer', expiresAtMs },
    ws: { isPaused: false, ping: () => done.push('ping'), terminate: () => done.push('terminate') },
    close: (code: number) => done.push(`close ${code}`),
    say: (text: string) => done.push(JSON.parse(text).event),
  }
  return { connection, done }
}

const START_MS = 1_800_000_000_000

function scene(expiresInMs = 3_600_000) {
  const clock = manualClock(START_MS)
  const { connection, done } = standIn(clock.monotonicMs(), START_MS + expiresInMs)
  let silent = 0
  const heartbeat = new Heartbeat({
    connections: new Set([connection as unknown as Connection]),
    clock,
    metrics: {
      silent: () => {
        silent += 1
      },
    },
  })
  /** So much time goes by, with a look at each second. */
  const pass = (ms: number, isAnswering = true): void => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000)
      const before = done.length
      heartbeat.runOnce()
      if (isAnswering && done.slice(before).includes('ping')) connection.heardAtMs = clock.monotonicMs()
    }
  }
  return { connection, clock, done, pass, stand: (ms: number) => clock.advance(ms), silent: () => silent }
}

describe('the heartbeat', () => {
  it('pings every 25 seconds whoever answers', () => {
    const { done, pass } = scene()
    pass(HEARTBEAT.pingMs - 1_000)
    expect(done).toEqual([])
    pass(HEARTBEAT.pingMs * 3)
    expect(done).toEqual(['ping', 'ping', 'ping'])
  })

  it('after the process stood still gives whoever was asked before his time to answer, since nobody was read', () => {
    const { done, pass, stand } = scene()
    pass(HEARTBEAT.pingMs, false)
    stand(60_000)
    pass(1_000, false)
    expect(done).toEqual(['ping'])
    pass(HEARTBEAT.pongMs, false)
    expect(done).toEqual(['ping', 'terminate'])
  })

  it('pings a driver who waits for a ride after five seconds of silence, and after none of talk', () => {
    const { connection, clock, done, pass } = scene()
    connection.isAwaited = true
    pass(HEARTBEAT.silenceMs - 1_000)
    expect(done).toEqual([])
    pass(1_000)
    expect(done).toEqual(['ping'])
    for (let n = 0; n < 10; n += 1) {
      connection.heardAtMs = clock.monotonicMs()
      pass(1_000)
    }
    expect(done).toEqual(['ping'])
    pass(HEARTBEAT.silenceMs - 1_000, false)
    expect(done).toEqual(['ping', 'ping'])
    pass(HEARTBEAT.pongMs, false)
    expect(done).toEqual(['ping', 'ping', 'terminate'])
  })

  it('ends whoever does not answer within 8 seconds', () => {
    const { done, pass, silent } = scene()
    pass(HEARTBEAT.pingMs, false)
    expect(done).toEqual(['ping'])
    pass(HEARTBEAT.pongMs - 1_000, false)
    expect(done).toEqual(['ping'])
    pass(1_000, false)
    expect(done).toEqual(['ping', 'terminate'])
    expect(silent()).toBe(1)
  })

  it('gives whoever it does not read his time from when it reads him again', () => {
    const { connection, done, pass } = scene()
    pass(HEARTBEAT.pingMs, false)
    connection.ws.isPaused = true
    pass(60_000, false)
    connection.ws.isPaused = false
    pass(HEARTBEAT.pongMs - 1_000, false)
    expect(done).toEqual(['ping'])
    pass(1_000, false)
    expect(done).toEqual(['ping', 'terminate'])
  })

  it('warns once before the token is over, and closes with 4401 after the grace', () => {
    const { done, pass } = scene(HEARTBEAT.warningMs + 10_000)
    pass(9_000)
    expect(done).toEqual([])
    pass(HEARTBEAT.warningMs + HEARTBEAT.graceMs)
    expect(done.filter((one) => one !== 'ping')).toEqual(['auth:expiring'])
    pass(1_000)
    expect(done.at(-1)).toBe('close 4401')
  })

  it('closes nobody who renewed his token in time', () => {
    const { connection, done, pass } = scene(30_000)
    pass(1_000)
    connection.user = { ...connection.user, expiresAtMs: START_MS + 3_600_000 }
    connection.isWarned = false
    pass(120_000)
    expect(done.filter((one) => one !== 'ping')).toEqual(['auth:expiring'])
  })
})
