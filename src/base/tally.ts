import { Counter, type Metric, type MetricValueWithName, type Registry } from 'prom-client'

// What happens thousands of times a second is counted here: to find a series by its labels costs prom-client more than all the rest of
// a driver's position. Labels are looked at when a series is begun and when all are read, not when something is counted.

/** A count; adding to it is all that it costs. */
export interface Tally {
  count: number
}

export interface TallyOptions<Label extends string> {
  readonly registry: Registry
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
}

type Labels<Label extends string> = Readonly<Record<Label, string>>

/** Registers a counter; the function begins one series of it, each once. */
export function tallyCounter<Label extends string = never>({
  registry,
  ...named
}: TallyOptions<Label>): (labels: Labels<Label>) => Tally {
  const begun: { readonly labels: Labels<Label>; readonly tally: Tally; told: number }[] = []
  new Counter<Label>({
    ...named,
    registers: [registry],
    collect() {
      for (const one of begun) {
        this.inc(one.labels, one.tally.count - one.told)
        one.told = one.tally.count
      }
    },
  })
  return (labels) => {
    const tally = { count: 0 }
    begun.push({ labels, tally, told: 0 })
    return tally
  }
}

/** One series of a histogram. */
export class TallyTimes {
  readonly #bounds: readonly number[]
  /** By bound, and last what is above all of them. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let at = 0
    // Above the last bound, and for NaN, nothing is less: both end behind it.
    while (at < this.#bounds.length && !(value <= (this.#bounds[at] ?? 0))) at += 1
    this.counts[at] = (this.counts[at] ?? 0) + 1
    this.sum += value
  }
}

/** Registers a histogram with these upper bounds, ascending; the function begins one series of it, each once. */
export function tallyHistogram<Label extends string = never>(
  { registry, name, help }: TallyOptions<Label>,
  bounds: readonly number[],
): (labels: Labels<Label>) => TallyTimes {
  const begun: [Labels<Label>, TallyTimes][] = []
  const metric = {
    name,
    get: async () => ({
      ...{ name, help, type: 'histogram', aggregator: 'sum' },
      values: begun.flatMap(([labels, times]) => valuesOf(name, labels, times, bounds)),
    }),
  }
  // Of a metric a registry uses its name and what it says when it is asked.
  registry.registerMetric(metric as unknown as Metric)
  return (labels) => {
    const times = new TallyTimes(bounds)
    begun.push([labels, times])
    return times
  }
}

function valuesOf(
  name: string,
  labels: Readonly<Record<string, string>>,
  { counts, sum }: TallyTimes,
  bounds: readonly number[],
): MetricValueWithName<string>[] {
  let count = 0
  const buckets = [...bounds, '+Inf'].map((le, at) => {
    count += counts[at] ?? 0
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
