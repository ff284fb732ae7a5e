import type { GatewayEvent } from '../adapter.ts'
import type { JsonObject } from './body.ts'

/**
 * What is kept with the event at this place of a list in the body: of the first all that came, of each of the others what told of
 * it alone, as a delivery of its own. With the whole of it 250 events of a kilobyte would be 60 MB to store at once.
 */
export function partAt(body: JsonObject, list: string, index: number): Pick<GatewayEvent, 'part'> {
  const all = body[list]
  if (index === 0 || !Array.isArray(all)) return {}
  try {
    return { part: Buffer.from(JSON.stringify({ ...body, [list]: [all[index]] })) }
  } catch {
    // Nested more deeply than a text can be made of.
    return {}
  }
}
