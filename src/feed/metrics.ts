import { Counter, type Registry } from 'prom-client'

/** Where the publisher's counters go. */
export interface FeedMetrics {
  published(messages: number): void
  unpublished(messages: number): void
}

/** Registers the feed's metrics. Names are documented in docs/operations.md. */
export function createFeedMetrics(registry: Registry): FeedMetrics {
  const counter = (name: string, help: string) =>
    new Counter({ name: `onceline_feed_${name}`, help, registers: [registry] })
  const published = counter('published_total', 'Messages to users that Redis took.')
  const unpublished = counter(
    'unpublished_total',
    'Messages to users that Redis did not take; those of a feed are found in MySQL.',
  )
  return {
    published: (messages) => published.inc(messages),
    unpublished: (messages) => unpublished.inc(messages),
  }
}
