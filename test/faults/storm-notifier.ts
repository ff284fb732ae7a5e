import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'

export interface StormNotifierOptions {
  readonly chance: Chance
  readonly userIds: readonly string[]
  /** Where the service answers; all processes that there are at this moment. */
  readonly doors: () => readonly string[]
  readonly internalKey: string
}

const REQUEST_TIMEOUT_MS = 5_000
const RETRY_MS = 50
const PAUSE_MS = 200

/** Laravel, which tells users through the service: the same request again until it is answered, at whichever process. */
export class StormNotifier {
  /** What was accepted, and for whom: each is in each feed once. */
  readonly accepted: { readonly id: string; readonly userIds: readonly string[] }[] = []
  readonly #options: StormNotifierOptions
  #isOpen = true

  constructor(options: StormNotifierOptions) {
    this.#options = options
  }

  /** Goes on until `rest`. Rejects when it is refused. */
  async run(): Promise<void> {
    const { chance, userIds } = this.#options
    for (let serial = 1; this.#isOpen; serial += 1) {
      const told = [...new Set(Array.from({ length: chance.between(1, 5) }, () => chance.pick(userIds)))]
      const id = `n${serial}`
      await this.#tell(id, told)
      this.accepted.push({ id, userIds: told })
      await pause(chance.between(0, PAUSE_MS))
    }
  }

  rest(): void {
    this.#isOpen = false
  }

  async #tell(id: string, userIds: readonly string[]): Promise<void> {
    const key = randomUUID()
    const body = JSON.stringify({ userIds, event: 'storm:told', data: { id }, durable: true })
    for (;;) {
      const status = await this.#post(key, body)
      if (status === 202) return
      if (status !== null && status !== 409 && status < 500) throw new Error(`${id} was refused: ${status}`)
      await pause(RETRY_MS)
    }
  }

  /** null: no answer. */
  async #post(key: string, body: string): Promise<number | null> {
    const { chance, doors, internalKey } = this.#options
    const open = doors()
    if (open.length === 0) return null
    try {
      const answer = await fetch(`${chance.pick(open)}/internal/notify`, {
        method: 'POST',
        headers: { 'x-api-key': internalKey, 'content-type': 'application/json', 'idempotency-key': key },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return null
    }
  }
}
