import { ColumnHeap } from './column-heap.ts'

/**
 * Rows want a column each; only the listed pairs are possible. Costs are whole numbers whose sums stay below 2^53, so that nothing is
 * rounded. Plain arrays of numbers, so that a thread gets them without effort.
 */
export interface AssignmentProblem {
  readonly columns: number
  /** The pairs of row i lie from starts[i] to before starts[i + 1], the cheapest first. */
  readonly starts: Int32Array
  readonly column: Int32Array
  readonly cost: Float64Array
  /** What it costs to leave row i without a column. */
  readonly alone: Float64Array
}

export const NO_COLUMN = -1

/**
 * The column of each row, or NO_COLUMN: no other assignment costs less in total. The same problem has the same answer.
 *
 * Jonker and Volgenant's way over sparse pairs: rows first bid for their best column against the second best, and whoever is left
 * without finds a shortest augmenting path (Computing 38, 1987, p. 325). Leaving a row alone is a column of its own.
 */
export function assign(problem: AssignmentProblem): Int32Array {
  const state = new Matching(problem)
  for (const row of state.bid()) state.augment(row)
  return state.columnOf
}

/** More bids than these are wars over a few columns, which paths settle faster. */
const BIDS_A_ROW = 8
/** No row. */
const NOBODY = -1

class Matching {
  readonly columnOf: Int32Array
  readonly #problem: AssignmentProblem
  readonly #rows: number
  readonly #rowOf: Int32Array
  /** What a column's row pays for it: 0 while nobody has it, else 0 or less. */
  readonly #price: Float64Array
  readonly #distance: Float64Array
  /** By which row a column is reached, and at what cost. */
  readonly #from: Int32Array
  readonly #fromCost: Float64Array
  /** What a row's own column costs it. */
  readonly #ownCost: Float64Array
  readonly #heap: ColumnHeap
  /** Nothing that is farther can be on the shortest path of this row: a way out of that length is known. */
  #bound = 0

  constructor(problem: AssignmentProblem) {
    const { columns, alone } = problem
    this.#problem = problem
    this.#rows = alone.length
    this.columnOf = new Int32Array(this.#rows).fill(NO_COLUMN)
    this.#rowOf = new Int32Array(columns).fill(NOBODY)
    this.#price = new Float64Array(columns)
    this.#distance = new Float64Array(columns)
    this.#from = new Int32Array(columns)
    this.#fromCost = new Float64Array(columns)
    this.#ownCost = new Float64Array(this.#rows)
    this.#heap = new ColumnHeap(this.#distance)
  }

  /** Gives columns to whom they are worth most; returns who has not got one yet. Everybody bids once before anybody bids again. */
  bid(): readonly number[] {
    const rows = Array.from({ length: this.#rows }, (_, row) => row)
    const left: number[] = []
    for (let turn = 0; turn < rows.length && turn < this.#rows * BIDS_A_ROW; turn += 1) {
      const row = rows[turn] ?? 0
      const loser = this.#bidFor(row)
      // At a price that does not rise, two rows would take it from each other for ever.
      if (loser === row) left.push(row)
      else if (loser !== NOBODY) rows.push(loser)
    }
    return [...left, ...rows.slice(this.#rows * BIDS_A_ROW)]
  }

  /** Who has to look for another column: whoever had this one, the row itself, or nobody. */
  #bidFor(row: number): number {
    const { best, by, price } = this.#bestOf(row)
    if (best === NO_COLUMN) return NOBODY
    const loser = this.#rowOf[best] ?? NOBODY
    if (loser !== NOBODY && by === 0) return row
    this.#price[best] = (this.#price[best] ?? 0) - by
    this.#give(row, best, price)
    if (loser !== NOBODY) this.columnOf[loser] = NO_COLUMN
    return loser
  }

  /** The best column at today's prices, and by how much it is better than the second best; none where being alone is better. */
  #bestOf(row: number): { readonly best: number; readonly by: number; readonly price: number } {
    const { starts, column, cost, alone } = this.#problem
    let best = NO_COLUMN
    let price = 0
    let least = alone[row] ?? 0
    let second = Number.POSITIVE_INFINITY
    const end = starts[row + 1] ?? 0
    for (let pair = starts[row] ?? 0; pair < end; pair += 1) {
      // Prices are never above 0: none of the rest is better than the second best.
      if ((cost[pair] ?? 0) >= second) break
      const to = column[pair] ?? 0
      const reduced = (cost[pair] ?? 0) - (this.#price[to] ?? 0)
      if (reduced < least || (reduced === least && best === NO_COLUMN)) {
        second = least
        least = reduced
        best = to
        price = cost[pair] ?? 0
      } else if (reduced < second) second = reduced
    }
    return { best, by: second - least, price }
  }

  #give(row: number, column: number, cost: number): void {
    this.columnOf[row] = column
    this.#rowOf[column] = row
    this.#ownCost[row] = cost
  }

  /** Finds the cheapest way to a free column, or to leave a row on the way alone, and moves all rows on it. */
  augment(start: number): void {
    const { alone } = this.#problem
    this.#distance.fill(Number.POSITIVE_INFINITY)
    this.#heap.clear()
    const reached: number[] = []
    let leaving = start
    let exit = alone[start] ?? 0
    let end = NO_COLUMN
    this.#bound = exit
    this.#relax(start, 0)
    for (;;) {
      const next = this.#heap.first()
      if (next === undefined || (this.#distance[next] ?? 0) > exit) break
      this.#heap.pop()
      const row = this.#rowOf[next] ?? NOBODY
      if (row === NOBODY) {
        end = next
        break
      }
      reached.push(next)
      const offset = (this.#distance[next] ?? 0) - this.#reducedOwn(row)
      const out = offset + (alone[row] ?? 0)
      if (out < exit) {
        exit = out
        leaving = row
        this.#bound = Math.min(this.#bound, exit)
      }
      this.#relax(row, offset)
    }
    const shortest = end === NO_COLUMN ? exit : (this.#distance[end] ?? 0)
    for (const column of reached)
      this.#price[column] = (this.#price[column] ?? 0) + (this.#distance[column] ?? 0) - shortest
    this.#shift(start, end === NO_COLUMN ? this.#leave(leaving) : end)
  }

  /** The column that a row gives up to be alone; none if it had none. */
  #leave(row: number): number {
    const column = this.columnOf[row] ?? NO_COLUMN
    this.columnOf[row] = NO_COLUMN
    return column
  }

  #shift(start: number, end: number): void {
    let column = end
    while (column !== NO_COLUMN) {
      const row = this.#from[column] ?? start
      const before = this.columnOf[row] ?? NO_COLUMN
      this.#give(row, column, this.#fromCost[column] ?? 0)
      column = before
    }
  }

  /** The solver is here most of the time: plain arrays at hand, and the bound first, by which most pairs fail. */
  #relax(row: number, offset: number): void {
    const { starts, column, cost } = this.#problem
    const [distances, prices, rowOf] = [this.#distance, this.#price, this.#rowOf]
    const end = starts[row + 1] ?? 0
    let bound = this.#bound
    for (let pair = starts[row] ?? 0; pair < end; pair += 1) {
      const reach = offset + (cost[pair] ?? 0)
      // Prices are never above 0: the rest of this row leads to no shorter way out than the one that is known.
      if (reach > bound) break
      const to = column[pair] ?? 0
      const distance = reach - (prices[to] ?? 0)
      if (distance > bound || distance >= (distances[to] ?? 0)) continue
      distances[to] = distance
      this.#from[to] = row
      this.#fromCost[to] = cost[pair] ?? 0
      this.#heap.put(to)
      if ((rowOf[to] ?? NOBODY) === NOBODY) bound = distance
    }
    this.#bound = bound
  }

  #reducedOwn(row: number): number {
    return (this.#ownCost[row] ?? 0) - (this.#price[this.columnOf[row] ?? 0] ?? 0)
  }
}
