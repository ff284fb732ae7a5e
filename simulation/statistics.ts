/** What is told of many numbers; null where there are none. */
export interface Spread {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly worst: number
}

export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return {
    count: sorted.length,
    mean: meanOf(sorted),
    p50: quantileOf(sorted, 0.5),
    p95: quantileOf(sorted, 0.95),
    worst: sorted.at(-1) ?? 0,
  }
}

export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The least value that such a part of the sorted ones does not exceed. */
export function quantileOf(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0
}

/** How unevenly something is shared: 0 when all have the same, near 1 when one has all. 0 for nothing at all. */
export function giniOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const total = sorted.reduce((sum, value) => sum + value, 0)
  if (total === 0) return 0
  const weighted = sorted.reduce((sum, value, index) => sum + (index + 1) * value, 0)
  return (2 * weighted) / (sorted.length * total) - (sorted.length + 1) / sorted.length
}

export interface Bin {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** How many values lie in each of the ranges of this width, from 0 on; the last one takes all that is above. */
export function binsOf(values: readonly number[], width: number, limit: number): readonly Bin[] {
  const count = Math.max(1, Math.min(limit, Math.floor(Math.max(0, ...values) / width) + 1))
  const counts = new Array<number>(count).fill(0)
  for (const value of values) {
    const bin = Math.min(count - 1, Math.max(0, Math.floor(value / width)))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return counts.map((n, bin) => ({ from: bin * width, to: (bin + 1) * width, count: n }))
}
