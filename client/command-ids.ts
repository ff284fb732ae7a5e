/** Ids that no other client mints, and no other start of this one: 128 random bits and a count. */
export class CommandIds {
  readonly #start = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
  #count = 0

  next(): string {
    this.#count += 1
    return `${this.#start}-${this.#count}`
  }
}
