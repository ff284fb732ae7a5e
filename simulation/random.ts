/** A stream of chance that is the same on every machine for the same seed. */
export interface Random {
  /** From [0, 1), evenly. */
  next(): number
  /** From [least, most), evenly. */
  between(least: number, most: number): number
  /** A whole number from [0, limit). */
  below(limit: number): number
  chance(probability: number): boolean
  /** Waiting times of what comes by chance, so long on average. */
  exponential(mean: number): number
  /** Half of them are above the median; two thirds within a factor of e^sigma of it. */
  logNormal(median: number, sigma: number): number
  /** One of several, the heavier the likelier. Throws for none. */
  weighted<T extends { readonly weight: number }>(choices: readonly T[]): T
  /**
   * A stream of its own, by name: the same whatever was drawn here before, so that one more draw in one part of a city changes nothing
   * in the others.
   */
  split(...names: readonly (string | number)[]): Random
}

export function randomOf(seed: string | number): Random {
  return streamOf(String(seed))
}

function streamOf(name: string): Random {
  const next = generator(name)
  const between = (least: number, most: number) => least + (most - least) * next()
  return {
    next,
    between,
    below: (limit) => Math.floor(next() * limit),
    chance: (probability) => next() < probability,
    exponential: (mean) => -mean * Math.log(1 - next()),
    logNormal: (median, sigma) => median * Math.exp(sigma * standardNormal(next)),
    weighted: (choices) => weightedOf(choices, next),
    split: (...names) => streamOf([name, ...names].join('/')),
  }
}

/** Box and Muller's way; the second of the two numbers is not kept, so that a draw depends on no earlier one. */
function standardNormal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

function weightedOf<T extends { readonly weight: number }>(choices: readonly T[], next: () => number): T {
  let left = next() * choices.reduce((sum, { weight }) => sum + weight, 0)
  for (const choice of choices) {
    left -= choice.weight
    if (left < 0) return choice
  }
  const last = choices.at(-1)
  if (last === undefined) throw new Error('nothing to choose from')
  return last
}

/** sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, begun with four hashes of the name. */
function generator(name: string): () => number {
  let a = hash(name, 0x9e3779b9)
  let b = hash(name, 0x243f6a88)
  let c = hash(name, 0xb7e15162)
  let counter = 1
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let turn = 0; turn < MIXING_TURNS; turn += 1) next()
  return next
}

/** Until every bit of the seed has reached every bit of the state. */
const MIXING_TURNS = 15

/** FNV-1a over UTF-16 units, then the finish of murmur3. */
function hash(text: string, basis: number): number {
  let sum = basis ^ 0x811c9dc5
  for (let index = 0; index < text.length; index += 1)
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193)
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35)
  return (sum ^ (sum >>> 16)) | 0
}
