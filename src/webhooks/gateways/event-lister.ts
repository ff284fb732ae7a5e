import type { GatewayEvent } from './adapter.ts'
import type { GatewayApi } from './confirm.ts'

/** An event as the gateway's API lists it, in the form in which a delivery of it would have been read. */
export interface ListedEvent {
  readonly event: GatewayEvent
  /** What the API said of it, stored as the body. */
  readonly body: Buffer
}

/** How a gateway lists what happened, so that what never came can be found. */
export interface EventLister {
  readonly apiUrl: string
  /**
   * Pages of the events that the gateway created in [from, until), in any order. Asks only. The event ids are those that
   * deliveries have, so that what came is known again.
   */
  pages(
    window: { readonly from: Date; readonly until: Date },
    api: GatewayApi,
  ): AsyncIterable<readonly ListedEvent[]>
}
