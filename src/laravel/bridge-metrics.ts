import { Counter, Gauge, type Registry } from 'prom-client'

/**
 * acted: done now, here. replayed: it was done before, here or elsewhere. elsewhere: another process was at it all the time. refused: the state
 * of things does not allow it, or it names nothing that there is. malformed, oversize: not as the channel's table says. mismatch:
 * another message came under the same key. overflow: too many at once. failed: the database was away for too long, or a defect.
 */
export type BridgeOutcome =
  | 'acted'
  | 'replayed'
  | 'elsewhere'
  | 'refused'
  | 'malformed'
  | 'oversize'
  | 'mismatch'
  | 'overflow'
  | 'failed'

export interface BridgeMetrics {
  message(channel: string, outcome: BridgeOutcome): void
  /** Whether this process hears the channels. */
  listening(isListening: boolean): void
}

/** Registers the bridge's metrics. Names and labels are documented in docs/operations.md. */
export function createBridgeMetrics(registry: Registry, waiting: () => number): BridgeMetrics {
  const registers = [registry]
  const messages = new Counter({
    name: 'onceline_bridge_messages_total',
    help: "Messages on Laravel's Redis channels, by what became of them in this process.",
    labelNames: ['channel', 'outcome'],
    registers,
  })
  const listening = new Gauge({
    name: 'onceline_bridge_listening',
    help: "1 where this process is subscribed to Laravel's Redis channels.",
    registers,
    aggregator: 'min',
  })
  listening.set(0)
  new Gauge({
    name: 'onceline_bridge_waiting',
    help: 'Messages that this process has heard and not finished.',
    registers,
    collect() {
      this.set(waiting())
    },
  })
  return {
    message: (channel, outcome) => messages.inc({ channel, outcome }),
    listening: (isListening) => listening.set(isListening ? 1 : 0),
  }
}
