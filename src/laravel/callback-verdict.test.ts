import { describe, expect, it } from 'vitest'
import { judge, MIN_ATTEMPTS, TRYING_MS, type Trial } from './callback-verdict.ts'

const NOW_MS = Date.parse('2026-11-30T12:00:00Z')

function trial(shape: Partial<Trial> = {}): Trial {
  const backoff = { baseMs: 5_000, capMs: 3_600_000, random: () => 0 }
  return { attempt: 1, triedForMs: 0, isProbe: false, nowMs: NOW_MS, backoff, ...shape }
}

function answered(status: number, retryAfter: string | null = null, message: string | null = null) {
  const body = { type: '', text: '', isWhole: true }
  return { kind: 'answered', status, retryAfter, message, body } as const
}

describe('the verdict about an answer', () => {
  it.each([
    [200, 'done', 'done'],
    [204, 'done', 'done'],
    [299, 'done', 'done'],
    [409, 'already_done', 'done'],
    [301, 'redirected', 'dead'],
    [304, 'redirected', 'dead'],
    [307, 'redirected', 'dead'],
    [400, 'rejected', 'dead'],
    [401, 'rejected', 'dead'],
    [404, 'rejected', 'dead'],
    [422, 'rejected', 'dead'],
    [408, 'retry', 'retry'],
    [425, 'retry', 'retry'],
    [429, 'retry', 'retry'],
    [500, 'retry', 'retry'],
    [503, 'retry', 'retry'],
    [599, 'retry', 'retry'],
  ])('%i is %s', (status, outcome, kind) => {
    expect(judge(answered(status), trial())).toMatchObject({
      outcome,
      settlement: { kind, status },
      health: kind !== 'retry' ? 'well' : status === 500 ? 'erring' : 'ill',
    })
  })

  it('tries again what was not answered, and says why', () => {
    expect(judge({ kind: 'timed_out' }, trial())).toMatchObject({
      settlement: { kind: 'retry', status: null, error: 'no answer in time' },
      health: 'ill',
    })
    expect(judge({ kind: 'unreachable', error: 'ECONNREFUSED' }, trial())).toMatchObject({
      settlement: { kind: 'retry', error: 'unreachable: ECONNREFUSED' },
      health: 'ill',
    })
  })

  it('gives back what it did not wait for', () => {
    expect(judge({ kind: 'interrupted' }, trial())).toMatchObject({
      settlement: { kind: 'released' },
      health: 'unknown',
    })
  })

  it('waits longer after every attempt, between half of the first wait and an hour', () => {
    const delay = (attempt: number, random: number): number => {
      const { settlement } = judge(answered(500), {
        ...trial({ attempt }),
        backoff: { baseMs: 5_000, capMs: 3_600_000, random: () => random },
      })
      return settlement.kind === 'retry' ? settlement.delayMs : expect.fail()
    }
    expect([delay(1, 0), delay(1, 0.999_999)]).toEqual([2_500, 5_000])
    expect([delay(4, 0), delay(4, 0.999_999)]).toEqual([2_500, 40_000])
    expect([delay(30, 0), delay(30, 0.999_999)]).toEqual([2_500, 3_599_996])
  })

  it('gives up after a day of trying, and not before enough attempts', () => {
    const fates = [
      trial({ attempt: 60, triedForMs: TRYING_MS - 1 }),
      trial({ attempt: MIN_ATTEMPTS - 1, triedForMs: 3 * TRYING_MS }),
      trial({ attempt: MIN_ATTEMPTS, triedForMs: TRYING_MS }),
    ].map((each) => judge({ kind: 'timed_out' }, each).outcome)
    expect(fates).toEqual(['retry', 'retry', 'exhausted'])
    expect(judge(answered(500), trial({ attempt: 60, triedForMs: TRYING_MS }))).toMatchObject({
      settlement: { kind: 'dead', reason: 'attempts_exhausted', status: 500 },
    })
    expect(judge(answered(200), trial({ attempt: 60, triedForMs: TRYING_MS })).outcome).toBe('done')
  })

  it('lets a probe that found Laravel away cost nothing, however often that was', () => {
    const probe = trial({ attempt: 60, triedForMs: 3 * TRYING_MS, isProbe: true })
    for (const answer of [{ kind: 'timed_out' } as const, answered(502), answered(503), answered(504)])
      expect(judge(answer, probe)).toMatchObject({ settlement: { kind: 'away', delayMs: 0 }, health: 'ill' })
    expect(judge(answered(503, '120'), probe)).toMatchObject({
      settlement: { kind: 'away', delayMs: 120_000 },
      holdMs: 120_000,
    })
    expect(judge(answered(500), probe), 'it may be this message').toMatchObject({ outcome: 'exhausted' })
    expect(judge(answered(422), probe).outcome).toBe('rejected')
  })

  it('waits as long as Laravel asks, and never less than the back-off', () => {
    const patient = judge(answered(503, '120'), trial())
    expect(patient).toMatchObject({ settlement: { delayMs: 120_000 }, holdMs: 120_000 })
    expect(judge(answered(429, '1'), trial())).toMatchObject({ settlement: { delayMs: 2_500 } })
    expect(judge(answered(422, '120'), trial()).settlement.kind).toBe('dead')
  })

  it('keeps the words of a refusal for whoever mends it', () => {
    expect(judge(answered(422, null, 'unknown event'), trial()).settlement).toMatchObject({
      error: 'answered 422: unknown event',
    })
  })
})
