import type { Pool } from '../../../db/pools.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import { idToText, newId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import { listedEvent } from '../event.ts'
import type { EventLister } from '../gateways/event-lister.ts'
import type { GroupCommit } from '../group-commit.ts'
import type { AskedAccount } from './asked-accounts.ts'
import { type ListingPace, type ListingWindow, storeListing, takeListing } from './listing-store.ts'

export interface MissedEventsOptions {
  readonly pool: Pool
  readonly log: Log
  readonly commit: Pick<GroupCommit, 'store'>
  /** By `gateway/account`; see listedAccounts. */
  readonly accounts: ReadonlyMap<string, AskedAccount<EventLister>>
  readonly pace?: ListingPace
  readonly intervalMs?: number
  /** Hears of each look that ended: how many events the gateway listed, and how many of them had never come. */
  readonly onCompared?: (
    gateway: string,
    counts: { readonly listed: number; readonly missed: number },
  ) => void
}

const PACE: ListingPace = { lookbackSeconds: 24 * 3_600, settleSeconds: 300, intervalSeconds: 900 }
const INTERVAL_MS = 10_000
const WORDS_LIMIT_CHARACTERS = 500

/**
 * Compares what a gateway lists with what came, and takes in what never came through the same keys as deliveries: an event that is
 * known is a duplicate. Every process runs one; a row an account lets one of them look at a time.
 */
export class MissedEvents {
  readonly #options: MissedEventsOptions
  readonly #pace: ListingPace
  readonly #loop: Loop

  constructor(options: MissedEventsOptions) {
    this.#options = options
    this.#pace = options.pace ?? PACE
    this.#loop = new Loop({
      turn: async () => {
        await this.runOnce()
        return false
      },
      intervalMs: options.intervalMs ?? INTERVAL_MS,
      onError: (err) => options.log.warn({ err }, 'comparing events failed; the next turn tries again'),
    })
  }

  start(): void {
    if (this.#options.accounts.size > 0) this.#loop.start()
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** Looks at every account whose time has come, one after the other, whatever befalls another; returns how many events had never come. */
  async runOnce(): Promise<number> {
    let missed = 0
    for (const asked of this.#options.accounts.values()) {
      const { gateway, account } = asked.account
      missed += await this.#look(asked).catch((err: unknown) => {
        this.#options.log.warn(
          { gateway, account, err },
          'an account could not be compared; a later turn does it',
        )
        return 0
      })
    }
    return missed
  }

  async #look(asked: AskedAccount<EventLister>): Promise<number> {
    const { pool, log } = this.#options
    const { account } = asked
    const window = await inTransaction(pool, 'take listing', (connection) =>
      takeListing(connection, account, this.#pace),
    )
    if (window === null) return 0
    try {
      const counts = await this.#compare(asked, window)
      await this.#settle(asked, { until: window.until })
      this.#options.onCompared?.(account.gateway, counts)
      if (counts.missed > 0)
        log.warn(
          { gateway: account.gateway, account: account.account, ...counts },
          'events that never came were taken in',
        )
      return counts.missed
    } catch (error) {
      const failure = (error instanceof Error ? error.message : String(error)).slice(
        0,
        WORDS_LIMIT_CHARACTERS,
      )
      await this.#settle(asked, { failure })
      log.warn(
        { gateway: account.gateway, account: account.account, err: error },
        'a gateway did not list its events',
      )
      return 0
    }
  }

  /** A page is committed before the next is asked for: whoever dies in between only asks again. */
  async #compare({ account, way, api }: AskedAccount<EventLister>, window: ListingWindow) {
    const counts = { listed: 0, missed: 0 }
    for await (const page of way.pages(window, api)) {
      const requestId = `listed-${idToText(newId())}`
      const events = page.map(({ event, body }) =>
        listedEvent(event, { gateway: account.gateway, account: account.account, requestId, body }),
      )
      const verdicts = await Promise.all(events.map((event) => this.#options.commit.store(event)))
      counts.listed += verdicts.length
      counts.missed += verdicts.filter(({ kind }) => kind === 'stored').length
    }
    return counts
  }

  #settle({ account }: AskedAccount<EventLister>, result: Parameters<typeof storeListing>[2]): Promise<void> {
    return withConnection(this.#options.pool, 'settle listing', READ_TIMEOUT_MS, (connection) =>
      storeListing(connection, account, result),
    )
  }
}
