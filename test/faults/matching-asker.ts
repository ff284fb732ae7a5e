import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { PlannedAct } from './matching-plan.ts'

/** What was answered, and the bytes of it: a repetition gets the same. */
export interface Heard {
  readonly word: string
  // biome-ignore lint/suspicious/noExplicitAny: the body of an answer, whose members are compared one by one.
  readonly data: any
  readonly text: string
}

/**
 * One try at one process. unsettled: it has to be asked again. lost: the link went, and nobody knows. `then` is called when it is said,
 * and may cut the link.
 */
export type Tried = Heard | 'unsettled' | 'lost'
export type Try = (url: string, id: string, cut: AbortSignal | null) => Promise<Tried>

export interface AskerOptions {
  readonly chance: Chance
  readonly urls: () => readonly string[]
}

/** Nothing takes so long, however busy the machine is. */
const PATIENCE_MS = 45_000
const AGAIN_MS = { least: 5, most: 60 } as const
/** These are not kept: asked again, the answer may be another one. */
const NOT_KEPT = ['trip_unknown', 'not_found']

/** Says the same at one process after the other until it is answered. */
export class Asker {
  readonly #chance: Chance
  readonly #urls: () => readonly string[]

  constructor({ chance, urls }: AskerOptions) {
    this.#chance = chance
    this.#urls = urls
  }

  /**
   * Null: nobody heard. Throws where a repetition is answered otherwise, or nothing is answered at all. What is not kept may be answered
   * otherwise.
   */
  async ask(attempt: Try, fate: PlannedAct['fate'], isKept = true): Promise<Heard | null> {
    const id = randomUUID()
    if (fate === 'left') {
      const left = await this.#cutOff(attempt, id)
      return typeof left === 'string' ? null : left
    }
    if (fate === 'cut') await this.#cutOff(attempt, id)
    const heard = await this.#untilHeard(attempt, id)
    if (fate === 'calm' || !isKept || NOT_KEPT.includes(heard.word)) return heard
    const again = await this.#untilHeard(attempt, id)
    if (again.text !== heard.text)
      throw new Error(`the same was answered otherwise:\n${heard.text}\n${again.text}`)
    return heard
  }

  async #untilHeard(attempt: Try, id: string): Promise<Heard> {
    const endMs = performance.now() + PATIENCE_MS
    while (performance.now() < endMs) {
      const url = this.#anyUrl()
      const tried = url === null ? 'lost' : await attempt(url, id, null)
      if (typeof tried !== 'string') return tried
      await pause(this.#chance.between(AGAIN_MS.least, AGAIN_MS.most))
    }
    throw new Error('nothing was answered')
  }

  /** The link goes a moment after it was said. */
  async #cutOff(attempt: Try, id: string): Promise<Tried> {
    const url = this.#anyUrl()
    if (url === null) return 'lost'
    const cut = new AbortController()
    const timer = setTimeout(() => cut.abort(), this.#chance.between(0, 8))
    const tried = await attempt(url, id, cut.signal)
    clearTimeout(timer)
    return tried
  }

  #anyUrl(): string | null {
    const urls = this.#urls()
    return urls.length === 0 ? null : this.#chance.pick(urls)
  }
}
