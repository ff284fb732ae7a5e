/** Columns ordered by a distance that only falls while they are in here; the lower number first where distances are the same. */
export class ColumnHeap {
  readonly #distance: Float64Array
  readonly #columns: Int32Array
  /** Where a column stands; -1: not in here. */
  readonly #place: Int32Array
  #size = 0

  constructor(distance: Float64Array) {
    this.#distance = distance
    this.#columns = new Int32Array(distance.length)
    this.#place = new Int32Array(distance.length).fill(-1)
  }

  clear(): void {
    for (let index = 0; index < this.#size; index += 1) this.#place[this.#columns[index] ?? 0] = -1
    this.#size = 0
  }

  first(): number | undefined {
    return this.#size === 0 ? undefined : this.#columns[0]
  }

  /** Puts it in, or moves it to where its distance belongs now. */
  put(column: number): void {
    let index = this.#place[column] ?? -1
    if (index < 0) {
      index = this.#size
      this.#size += 1
    }
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = this.#columns[parent] ?? 0
      if (!this.#before(column, above)) break
      this.#set(index, above)
      index = parent
    }
    this.#set(index, column)
  }

  /** Takes out the first. */
  pop(): void {
    if (this.#size === 0) return
    this.#place[this.#columns[0] ?? 0] = -1
    this.#size -= 1
    if (this.#size > 0) this.#sink(this.#columns[this.#size] ?? 0)
  }

  #sink(column: number): void {
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#size) break
      const right = child + 1
      if (right < this.#size && this.#before(this.#columns[right] ?? 0, this.#columns[child] ?? 0))
        child = right
      const below = this.#columns[child] ?? 0
      if (!this.#before(below, column)) break
      this.#set(index, below)
      index = child
    }
    this.#set(index, column)
  }

  #set(index: number, column: number): void {
    this.#columns[index] = column
    this.#place[column] = index
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#distance[a] ?? 0) - (this.#distance[b] ?? 0)
    return difference < 0 || (difference === 0 && a < b)
  }
}
