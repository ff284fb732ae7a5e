import { expect } from 'vitest'
import type { Answer, Reply } from '../../src/idempotency/answer.ts'
import type { OnceResult } from '../../src/idempotency/flights.ts'
import { fingerprint, recordKey } from '../../src/idempotency/key.ts'
import type { Handle, Once, OnceRequest } from '../../src/idempotency/once.ts'
import { type EffectOrder, takeEffect } from './once-app.ts'

/** A command's request with this key and content. */
export function requestOf(key: string, content = 'a'): OnceRequest {
  const scope = { kind: 'command', tenant: 'test', actor: 'user', operation: 'effect', key } as const
  return { key: recordKey(scope), fingerprint: fingerprint('test', [content]) }
}

/** A handler with one effect at the place. */
export function effect(place: string, order: EffectOrder = { content: 'a' }): Handle {
  return (connection, claim): Promise<Reply> => takeEffect(connection, claim, place, order)
}

/** Asks for one effect at the place that the key names. */
export function run(door: Once, key: string, order: EffectOrder = { content: 'a' }): Promise<OnceResult> {
  return door.run(requestOf(key, order.content), effect(key, order))
}

/** The result's answer; anything else fails the test. */
export function answerIn(result: OnceResult): Answer {
  return 'answer' in result ? result.answer : expect.fail(`no answer but ${result.kind}`)
}

/** How many results of each kind. */
export function kindsOf(results: readonly OnceResult[]): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const { kind } of results) kinds[kind] = (kinds[kind] ?? 0) + 1
  return kinds
}
