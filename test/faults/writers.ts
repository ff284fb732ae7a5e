import type { Gateway } from './gateway.ts'
import type { Story } from './story.ts'

/** Writers that play one story after the other while they are let: each begins the next when the last has ended. */
export class Writers {
  /** Every story that was begun, in order. */
  readonly stories: Story[] = []
  readonly #gateway: Gateway
  readonly #invent: (serial: number) => Story
  readonly #count: number
  readonly #waiting: { readonly stories: number; readonly resolve: () => void }[] = []
  #open = false
  #working: Promise<unknown> = Promise.resolve()

  constructor(options: { gateway: Gateway; invent: (serial: number) => Story; count: number }) {
    this.#gateway = options.gateway
    this.#invent = options.invent
    this.#count = options.count
  }

  /** Lets them begin. What it returns rejects when one of them failed, and resolves only after rest(). */
  begin(): Promise<unknown> {
    this.#open = true
    this.#working = Promise.all(Array.from({ length: this.#count }, (_, writer) => this.#write(writer)))
    this.#working.catch(() => undefined)
    return this.#working
  }

  /** Resolves when so many more stories have been begun; rejects when a writer failed. */
  async write(stories: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#waiting.push({ stories: this.stories.length + stories, resolve })
    })
    await Promise.race([enough, this.#working.then(() => undefined)])
  }

  /** Lets nobody begin another story, and waits until those that were begun have ended. */
  async rest(): Promise<void> {
    this.#open = false
    await this.#working
  }

  async #write(writer: number): Promise<void> {
    while (this.#open) {
      const story = this.#invent(this.stories.length)
      this.stories.push(story)
      for (const { stories, resolve } of this.#waiting) if (this.stories.length >= stories) resolve()
      await this.#gateway.play(story, writer)
    }
  }
}
