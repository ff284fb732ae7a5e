import { z } from 'zod'
import { shownId } from './fields.ts'
import { RIDE_BID } from './snapshot.ts'

const durable = <Data extends z.ZodType>(data: Data, summary: string) =>
  ({ data, class: 'durable', summary }) as const

const ended = { rideId: shownId, bidId: z.uuid(), driverId: shownId }

/** As placedMessagesOf() and bidMessagesOf() make them. Laravel may not send any of these names. */
export const BID_PUSHES = {
  'bid:new': durable(
    RIDE_BID.extend({
      replaces: z
        .uuid()
        .nullable()
        .describe("the same driver's earlier bid, which is not to be had any more"),
    }),
    'a driver offers a fare',
  ),
  'bid:withdrawn': durable(
    z.object({ ...ended, reason: z.enum(['withdrawn', 'took_another', 'expired']) }),
    'to the rider: this bid is not to be had any more',
  ),
  'bid:lost': durable(
    z.object({
      ...ended,
      reason: z
        .enum(['taken', 'ended', 'expired'])
        .describe('taken: another driver has the ride; ended: nobody has it'),
    }),
    'to the driver: nobody waits for this bid any more, and he may bid elsewhere',
  ),
} as const
