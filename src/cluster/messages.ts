/** One metric with its values, as a registry gives it away and takes it back. */
export interface Metric {
  readonly name: string
  readonly help: string
  /** `counter`, `gauge` …; the library's types say a number, its registries a word. */
  readonly type: unknown
  readonly aggregator: string
  readonly values: readonly object[]
}

/** What a worker says to its primary. */
export type FromWorker =
  | { readonly type: 'onceline:metrics-wanted'; readonly id: number }
  | { readonly type: 'onceline:own-metrics'; readonly id: number; readonly metrics: readonly Metric[] }

/** What a primary says to a worker. */
export type FromPrimary =
  | { readonly type: 'onceline:own-metrics-wanted'; readonly id: number }
  | { readonly type: 'onceline:metrics'; readonly id: number; readonly text: string }

/** The channel also carries node's own and libraries' messages: only ours pass. */
export function isOurs<Message extends FromWorker | FromPrimary>(message: unknown): message is Message {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false
  return typeof message.type === 'string' && message.type.startsWith('onceline:')
}
