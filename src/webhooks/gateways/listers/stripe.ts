import type { GatewayApi } from '../confirm.ts'
import type { EventLister, ListedEvent } from '../event-lister.ts'
import { isIdentifier, isObject, type JsonObject } from '../kit/body.ts'
import { readEvent, STRIPE_FACT_TYPES } from '../stripe-facts.ts'

/**
 * Lists what happened by `GET /v1/events`, https://docs.stripe.com/api/events/list, which keeps thirty days; only the types that
 * may carry a fact, because whoever subscribed to fewer events than there are missed nothing. Through GatewayApi and not through
 * the `stripe` package, whose client has retries, time-outs and a pool of connections of its own beside the account's circuit
 * breaker and its bounds.
 */
export const stripeLister: EventLister = { apiUrl: 'https://api.stripe.com', pages }

/** Stripe gives 100 at most. Half of them: an event with all its metadata has 25 KB, and an answer is read up to 1 MiB. */
const PAGE_LIMIT = 50
/** 100,000 events; beyond that something else is wrong. */
const MAX_PAGES = 2_000

async function* pages(
  window: { readonly from: Date; readonly until: Date },
  api: GatewayApi,
): AsyncIterable<readonly ListedEvent[]> {
  let after: string | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const { data, has_more } = await getPage(window, after, api)
    yield data.map(listed)
    if (has_more !== true) return
    const last: unknown = data.at(-1)?.id
    if (!isIdentifier(last) || last === after) throw new Error('Stripe lists more events and not which')
    after = last
  }
  throw new Error(`Stripe lists more than ${MAX_PAGES * PAGE_LIMIT} events`)
}

/** `created` has whole seconds; what lies a part of one outside the window is known again by its id. */
async function getPage(
  { from, until }: { readonly from: Date; readonly until: Date },
  after: string | null,
  api: GatewayApi,
): Promise<{ readonly data: readonly JsonObject[]; readonly has_more: unknown }> {
  const query = new URLSearchParams({
    'created[gte]': String(Math.floor(from.getTime() / 1_000)),
    'created[lt]': String(Math.ceil(until.getTime() / 1_000)),
    limit: String(PAGE_LIMIT),
    ...(after === null ? {} : { starting_after: after }),
  })
  for (const type of STRIPE_FACT_TYPES) query.append('types[]', type)
  const { status, body } = await api.call({
    method: 'GET',
    path: `/v1/events?${query}`,
    headers: { authorization: `Bearer ${api.settings.API_KEY?.trim() ?? ''}` },
  })
  const data = body?.data
  if (status !== 200 || !Array.isArray(data) || !data.every(isObject))
    throw new Error(`Stripe answered ${status} and no list of events`)
  return { data, has_more: body?.has_more }
}

function listed(object: JsonObject): ListedEvent {
  const event = readEvent(object)
  if ('kind' in event) throw new Error(`Stripe lists an event that cannot be read: ${event.detail}`)
  return { event, body: Buffer.from(JSON.stringify(object)) }
}
