import { expect } from 'vitest'
import type { NodeAnswer } from '../faults/key-node.ts'

/** One request of the property: `lost` when its process died before it answered. */
export interface Asked {
  readonly key: string
  readonly content: string
  readonly answer: NodeAnswer
}

interface Standing {
  /** The content that the key stands for, once an answer told. */
  content: string | null
  /** The one answer, byte for byte. */
  text: string | null
  /** Contents that were asked for and got no answer, or only that they are in flight: one of them may stand, unseen. */
  readonly unseen: Set<string>
  /** Contents that were told that another one stands, which is for good. */
  readonly refused: Set<string>
}

/**
 * What any number of requests over any number of processes must look like, told without a database: a key is free, or it
 * stands for one content with one answer.
 */
export class KeysModel {
  readonly #keys = new Map<string, Standing>()

  /** Requests that were sent at the same time, with what each was answered. */
  observe(round: readonly Asked[]): void {
    for (const asked of round) this.#learn(asked)
    for (const asked of round) this.#judge(asked)
  }

  /** The contents of the effects that each key must have had: none, one, or one that nobody was told of. */
  expectEffects(effects: ReadonlyMap<string, readonly string[]>): void {
    for (const [key, { content, unseen }] of this.#keys) {
      const found = effects.get(key) ?? []
      if (content !== null) expect(found, `effects of ${key}`).toEqual([content])
      else {
        expect(found.length, `effects of ${key}`).toBeLessThanOrEqual(1)
        for (const each of found) expect(unseen, 'an effect that nobody could have had').toContain(each)
      }
    }
  }

  /** What the key stands for, as far as it was told. */
  contentOf(key: string): string | null {
    return this.#keys.get(key)?.content ?? null
  }

  get keys(): string[] {
    return [...this.#keys.keys()]
  }

  #standing(key: string): Standing {
    let standing = this.#keys.get(key)
    if (!standing) {
      standing = { content: null, text: null, unseen: new Set(), refused: new Set() }
      this.#keys.set(key, standing)
    }
    return standing
  }

  /** A first answer settles what the key stands for. */
  #learn({ key, content, answer }: Asked): void {
    const standing = this.#standing(key)
    if (answer === 'died' || answer.status === 409) standing.unseen.add(content)
    else if (answer.status === 422) standing.refused.add(content)
    else if (answer.status === 201) {
      standing.content ??= content
      standing.text ??= answer.text
    }
  }

  #judge({ key, content, answer }: Asked): void {
    const standing = this.#standing(key)
    if (standing.content !== null)
      expect(standing.refused, `${key} refused what it stands for`).not.toContain(standing.content)
    if (answer === 'died') return
    switch (answer.status) {
      case 201:
        expect(content, `${key} executed for two contents`).toBe(standing.content)
        expect(answer.text, `${key} was answered in two ways`).toBe(standing.text)
        return
      case 422:
        if (standing.content !== null) expect(standing.content).not.toBe(content)
        else expect([...standing.unseen].filter((each) => each !== content)).not.toEqual([])
        return
      case 409:
        // It says nothing but to ask again; that there is an answer in the end is what the test waits for.
        return
      default:
        expect.fail(`${key} was answered ${answer.status}: ${answer.text}`)
    }
  }
}
