import { type Goal, progress } from '../report.ts'
import { medians } from '../statistics.ts'

/** One question of the benchmark, answered. */
export interface Part {
  readonly name: string
  /** For the JSON document. */
  readonly result: object
  readonly text: string
  readonly goals: readonly Goal[]
}

/** How long and how often. */
export interface Effort {
  readonly rounds: number
  /** Of each measurement. */
  readonly seconds: number
}

/** Measures every variant once a round, another one first in every round; returns each one's medians. */
export async function inRounds<Variant extends string, Name extends string>(
  variants: readonly Variant[],
  rounds: number,
  measure: (variant: Variant) => Promise<Record<Name, number>>,
  tell: (figures: Record<Name, number>) => string,
): Promise<Record<Variant, Record<Name, number>>> {
  const all = new Map<Variant, Record<Name, number>[]>(variants.map((variant) => [variant, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [index] of variants.entries()) {
      const variant = variants[(index + round) % variants.length] as Variant
      const figures = await measure(variant)
      progress(`round ${round + 1}: ${variant}: ${tell(figures)}`)
      all.get(variant)?.push(figures)
    }
  }
  return Object.fromEntries([...all].map(([variant, figures]) => [variant, medians(figures)])) as Record<
    Variant,
    Record<Name, number>
  >
}
