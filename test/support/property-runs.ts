/** Runs of a property, with the seed that `FC_SEED` asks for; fast-check prints the seed of a failure. */
export function propertyRuns(numRuns: number): { numRuns: number; seed?: number } {
  const seed = process.env.FC_SEED
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) }
}
