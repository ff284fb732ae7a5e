import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../test/support/property-runs.ts'
import { type ClientState, type Effect, type Input, turn } from './machine.ts'

const TEMPO = { baseMs: 500, capMs: 30_000, stableMs: 10_000 }
const LOST = { type: 'lost', loss: { code: 1006, reason: '' }, nowMs: 0, random: 1 } as const

function play(...inputs: Input[]): { state: ClientState; effects: Effect[] } {
  const effects: Effect[] = []
  let state: ClientState = { name: 'idle' }
  for (const input of inputs) {
    const next = turn(state, input, TEMPO)
    state = next.state
    effects.push(...next.effects)
  }
  return { state, effects }
}

describe('the states', () => {
  it('connect, open, lose, wait and connect again', () => {
    expect(play({ type: 'connect' }, { type: 'ready', nowMs: 5 })).toEqual({
      state: { name: 'open', attempt: 0, sinceMs: 5 },
      effects: ['dial'],
    })
    expect(play({ type: 'connect' }, LOST, { type: 'due' }, LOST)).toEqual({
      state: { name: 'waiting', attempt: 2, delayMs: 1_000, isFirm: false, loss: LOST.loss },
      effects: ['dial', 'wait', 'dial', 'wait'],
    })
  })

  it('count only losses of connections that were not stable', () => {
    const lostAt = (nowMs: number) =>
      play({ type: 'connect' }, LOST, { type: 'due' }, { type: 'ready', nowMs: 0 }, { ...LOST, nowMs }).state
    expect(lostAt(9_999)).toMatchObject({ attempt: 2, delayMs: 1_000 })
    expect(lostAt(10_000)).toMatchObject({ attempt: 1, delayMs: 500 })
  })

  it('wake from a wait, but not from one that the server asked for', () => {
    expect(play({ type: 'connect' }, LOST, { type: 'wake' })).toMatchObject({
      state: { name: 'connecting', attempt: 1 },
      effects: ['dial', 'wait', 'rest', 'dial'],
    })
    const restart = { ...LOST, loss: { code: 1012, reason: '{"retryAfterMs":9}' } }
    expect(play({ type: 'connect' }, restart, { type: 'wake' }).state.name).toBe('waiting')
  })

  it('stop, and begin anew when they are told to', () => {
    const replaced = { ...LOST, loss: { code: 4409, reason: '' } }
    expect(play({ type: 'connect' }, replaced).state).toEqual({ name: 'stopped', why: 'replaced' })
    expect(play({ type: 'connect' }, { type: 'denied', why: 'forbidden' }).state).toMatchObject({
      why: 'forbidden',
    })
    expect(play({ type: 'connect' }, { type: 'close' }, { type: 'connect' })).toEqual({
      state: { name: 'connecting', attempt: 0 },
      effects: ['dial', 'hang_up', 'dial'],
    })
  })

  it('take the first 4409 soon after a loss for an echo of their own connection, and the next for another device', () => {
    const replacedAt = (nowMs: number) => ({ ...LOST, loss: { code: 4409, reason: '' }, nowMs })
    const back = [{ type: 'due' }, { type: 'ready', nowMs: 0 }] as const
    const once = play({ type: 'connect' }, LOST, ...back, replacedAt(9_999))
    expect(once.state).toMatchObject({ name: 'waiting', attempt: 2, loss: { code: 4409 } })
    const twice = play({ type: 'connect' }, LOST, ...back, replacedAt(1), ...back, replacedAt(9_999))
    expect(twice.state).toEqual({ name: 'stopped', why: 'replaced' })
    // Whoever was open for long has no earlier connection that could be late.
    expect(play({ type: 'connect' }, LOST, ...back, replacedAt(10_000)).state).toMatchObject({
      name: 'stopped',
    })
    const later = play({ type: 'connect' }, LOST, ...back, replacedAt(1), ...back, { ...LOST, nowMs: 10_000 })
    expect(later.state).not.toHaveProperty('wasReplaced')
  })

  it('never have two ways open, never wait twice, and rest once they have stopped', () => {
    const simple = fc.constantFrom('connect', 'close', 'due', 'wake').map((type) => ({ type }) as Input)
    const code = fc.constantFrom(0, 1000, 1006, 1012, 1013, 4401, 4403, 4408, 4409, 4429)
    const lost = code.map((one) => ({ ...LOST, loss: { code: one, reason: '' } }))
    const input = fc.oneof(simple, lost, fc.constant<Input>({ type: 'ready', nowMs: 0 }))
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        let state: ClientState = { name: 'idle' }
        let isWaiting = false
        let hasWay = false
        for (const one of inputs) {
          const next = turn(state, one, TEMPO)
          if (one.type === 'lost') hasWay = false
          if (one.type === 'due' && state.name === 'waiting') isWaiting = false
          for (const effect of next.effects) {
            if (effect === 'dial') expect([hasWay, isWaiting]).toEqual([false, false])
            if (effect === 'wait') expect(isWaiting).toBe(false)
            hasWay = effect === 'dial' || (hasWay && effect !== 'hang_up')
            isWaiting = effect === 'wait' || (isWaiting && effect !== 'rest')
          }
          state = next.state
          expect(isWaiting).toBe(state.name === 'waiting')
          expect(hasWay).toBe(state.name === 'connecting' || state.name === 'open')
        }
      }),
      propertyRuns(1_000),
    )
  })
})
