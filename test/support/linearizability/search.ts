/** Something that a client asked for, and what it was told. Times are of one clock. */
export interface Operation<Act, Answer> {
  readonly act: Act
  readonly callMs: number
  /** Null: nobody heard what became of it. It may have happened at any time since, may still happen, or never. */
  readonly heard: { readonly answer: Answer; readonly returnMs: number } | null
}

/** What an object does by itself, one act after the other. */
export interface Specification<State, Act, Answer> {
  readonly initial: State
  /** The state after the act, if it may be answered so; null: it may not. An answer of null is not known: what it does where it succeeds. */
  readonly apply: (state: State, act: Act, answer: Answer | null) => State | null
  /** Never changes a state, whichever it is: such an act may be placed as early as it can. */
  readonly isReading: (act: Act, answer: Answer) => boolean
  /** Two states with the same key are the same. */
  readonly keyOf: (state: State) => string
}

export type Verdict<Act, Answer> =
  | { readonly kind: 'linearizable'; readonly order: readonly Operation<Act, Answer>[] }
  | {
      readonly kind: 'violation'
      /** The longest order that could be found, and what fits nowhere after it. */
      readonly order: readonly Operation<Act, Answer>[]
      readonly stuck: readonly Operation<Act, Answer>[]
    }
  | { readonly kind: 'too_hard'; readonly nodes: number }

/** A history that needs more is no history of a storm's, which are short and mostly made of refusals. */
const MOST_NODES = 200_000

/**
 * Whether there is an order of the operations in which each lies between its call and its return and the object alone would have
 * answered so: the search of Wing and Gong, which remembers where it has been, as Lowe's does. What was not heard lies after its
 * call, or nowhere.
 */
export function linearize<State, Act, Answer>(
  operations: readonly Operation<Act, Answer>[],
  specification: Specification<State, Act, Answer>,
  mostNodes = MOST_NODES,
): Verdict<Act, Answer> {
  return new Search(operations, specification, mostNodes).run()
}

interface Node<State> {
  readonly state: State
  readonly placed: bigint
  readonly order: readonly number[]
}

class Search<State, Act, Answer> {
  readonly #operations: readonly Operation<Act, Answer>[]
  readonly #specification: Specification<State, Act, Answer>
  readonly #mostNodes: number
  readonly #seen = new Set<string>()
  #best: readonly number[] = []

  constructor(
    operations: readonly Operation<Act, Answer>[],
    specification: Specification<State, Act, Answer>,
    mostNodes: number,
  ) {
    this.#operations = operations.toSorted((x, y) => x.callMs - y.callMs)
    this.#specification = specification
    this.#mostNodes = mostNodes
  }

  run(): Verdict<Act, Answer> {
    const open: Node<State>[] = [{ state: this.#specification.initial, placed: 0n, order: [] }]
    for (let nodes = 1; ; nodes += 1) {
      const node = open.pop()
      if (node === undefined) return this.#violation()
      if (nodes > this.#mostNodes) return { kind: 'too_hard', nodes }
      const here = this.#afterReading(node)
      if (here.order.length > this.#best.length) this.#best = here.order
      const ready = this.#ready(here.placed)
      if (this.#isDone(here.placed)) return { kind: 'linearizable', order: this.#pick(here.order) }
      // The last is looked at first: what came first is most likely to have happened first.
      for (const index of ready.toReversed()) {
        const next = this.#place(here, index)
        if (next !== null && this.#isNew(next)) open.push(next)
      }
    }
  }

  /** Places every reading that fits here: later it could be no better, and it is in nobody's way. */
  #afterReading(node: Node<State>): Node<State> {
    let here = node
    for (;;) {
      const reading = this.#ready(here.placed).filter((index) => this.#isReading(index))
      const before = here
      for (const index of reading) here = this.#place(here, index) ?? here
      if (here === before) return here
    }
  }

  #place(node: Node<State>, index: number): Node<State> | null {
    const operation = this.#at(index)
    const state = this.#specification.apply(node.state, operation.act, operation.heard?.answer ?? null)
    if (state === null) return null
    return { state, placed: node.placed | (1n << BigInt(index)), order: [...node.order, index] }
  }

  /** Those that nothing else has to come before: no other one had returned when it was called. */
  #ready(placed: bigint): number[] {
    const left = this.#left(placed)
    const firstReturnMs = Math.min(...left.map((index) => this.#returnMs(index)))
    return left.filter((index) => this.#at(index).callMs <= firstReturnMs)
  }

  #isDone(placed: bigint): boolean {
    return this.#left(placed).every((index) => this.#at(index).heard === null)
  }

  #left(placed: bigint): number[] {
    return this.#operations.flatMap((_, index) => ((placed >> BigInt(index)) & 1n ? [] : [index]))
  }

  #isNew({ state, placed }: Node<State>): boolean {
    const key = `${placed.toString(36)} ${this.#specification.keyOf(state)}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  #isReading(index: number): boolean {
    const { act, heard } = this.#at(index)
    return heard !== null && this.#specification.isReading(act, heard.answer)
  }

  #violation(): Verdict<Act, Answer> {
    const placed = new Set(this.#best)
    const stuck = this.#operations.filter(({ heard }, index) => heard !== null && !placed.has(index))
    return { kind: 'violation', order: this.#pick(this.#best), stuck }
  }

  #pick(indexes: readonly number[]): Operation<Act, Answer>[] {
    return indexes.map((index) => this.#at(index))
  }

  #returnMs(index: number): number {
    return this.#at(index).heard?.returnMs ?? Number.POSITIVE_INFINITY
  }

  #at(index: number): Operation<Act, Answer> {
    const operation = this.#operations[index]
    if (operation === undefined) throw new RangeError(`there is no operation ${index}`)
    return operation
  }
}
