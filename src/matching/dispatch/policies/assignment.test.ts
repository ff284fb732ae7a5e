import fc from 'fast-check'
import { munkres } from 'munkres'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/support/property-runs.ts'
import { type AssignmentProblem, assign, NO_COLUMN } from './assignment.ts'

interface Table {
  /** By row and column; null: not possible. */
  readonly costs: readonly (readonly (number | null)[])[]
  readonly alone: readonly number[]
}

const FORBIDDEN = 1e9

function problemOf({ costs, alone }: Table): AssignmentProblem {
  const rows = costs.map((row) =>
    row
      .flatMap((cost, column) => (cost === null ? [] : [{ cost, column }]))
      .sort((a, b) => a.cost - b.cost || a.column - b.column),
  )
  const starts = [0]
  for (const row of rows) starts.push((starts.at(-1) ?? 0) + row.length)
  return {
    columns: costs[0]?.length ?? 0,
    starts: Int32Array.from(starts),
    column: Int32Array.from(rows.flat(), ({ column }) => column),
    cost: Float64Array.from(rows.flat(), ({ cost }) => cost),
    alone: Float64Array.from(alone),
  }
}

/** What an assignment costs; throws for one that is none. */
function priceOf({ costs, alone }: Table, columnOf: Int32Array): number {
  const taken = [...columnOf].filter((column) => column !== NO_COLUMN)
  if (new Set(taken).size !== taken.length) throw new Error('a column has two rows')
  return [...columnOf].reduce((sum, column, row) => {
    const cost = column === NO_COLUMN ? alone[row] : costs[row]?.[column]
    if (cost === null || cost === undefined) throw new Error('an impossible pair')
    return sum + cost
  }, 0)
}

/** The same with another's solver, for whom each row has a column of its own in which it is alone. */
function priceByMunkres({ costs, alone }: Table): number {
  const matrix = costs.map((row, index) => [
    ...row.map((cost) => cost ?? FORBIDDEN),
    ...alone.map((cost, other) => (other === index ? cost : FORBIDDEN)),
  ])
  return munkres(matrix).reduce((sum, [row, column]) => sum + (matrix[row]?.[column] ?? 0), 0)
}

/** Tables of every shape; costs that are often the same, so that there are many best assignments. */
function someTable(limit: number) {
  const cost = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 100_000 }))
  const shape = fc.record({
    rows: fc.integer({ min: 1, max: limit }),
    columns: fc.integer({ min: 0, max: limit }),
    possible: fc.double({ min: 0.05, max: 1, noNaN: true }),
    isDear: fc.boolean(),
  })
  return shape.chain(({ rows, columns, possible, isDear }) => {
    const cell = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), cost)
    const pair = cell.map(([draw, value]) => (draw < possible ? value : null))
    const row = fc.array(pair, { minLength: columns, maxLength: columns })
    const own = isDear ? fc.integer({ min: 10_000_000, max: 10_001_000 }) : cost
    return fc.record({
      costs: fc.array(row, { minLength: rows, maxLength: rows }),
      alone: fc.array(own, { minLength: rows, maxLength: rows }),
    })
  })
}

describe('an assignment', () => {
  it('costs what the least costs, by the word of another solver', () => {
    const property = fc.property(someTable(12), (table) => {
      expect(priceOf(table, assign(problemOf(table)))).toBe(priceByMunkres(table))
    })
    fc.assert(property, propertyRuns(1_000))
  })

  it('does so for larger tables, too', () => {
    const property = fc.property(someTable(60), (table) => {
      expect(priceOf(table, assign(problemOf(table)))).toBe(priceByMunkres(table))
    })
    fc.assert(property, propertyRuns(40))
  })

  it('is empty for nothing', () => {
    expect(assign(problemOf({ costs: [], alone: [] }))).toHaveLength(0)
  })

  it('leaves a row alone where that is cheaper, and gives it a column where it costs the same', () => {
    expect([...assign(problemOf({ costs: [[7]], alone: [6] }))]).toEqual([NO_COLUMN])
    expect([...assign(problemOf({ costs: [[7]], alone: [7] }))]).toEqual([0])
  })
})
