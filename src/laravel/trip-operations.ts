import { z } from 'zod'
import type { ApiOperation, ApiParameter } from '../base/openapi.ts'
import { KEYED, REFUSALS } from './keyed.ts'
import {
  BID_ACCEPT,
  TRIP,
  TRIP_ACCEPT,
  TRIP_CANCEL,
  TRIP_HISTORY,
  TRIP_ORDER,
  TRIP_TRANSITION,
} from './trip-schemas.ts'

const TRIP_ID: ApiParameter = {
  name: 'id',
  in: 'path',
  description: "the trip's id",
  schema: z.uuid(),
}

const UNKNOWN = { description: 'there is no such trip (`trip_unknown`)' }
const IN_FLIGHT = 'or a request with this key is not finished (`idempotency_in_flight`, Retry-After)'
const COMMON = { tag: 'trips', security: 'internalApiKey' } as const
const KEYED_POST = { ...COMMON, method: 'post', idempotencyKey: 'required' } as const

/** `/internal/trips`, as tripRoutes() serves it. */
export const TRIP_OPERATIONS: readonly ApiOperation[] = [
  {
    ...KEYED_POST,
    path: '/internal/trips',
    operationId: 'createTrip',
    summary: 'Create a trip',
    description:
      'A trip that Laravel has stored is adopted and left as it is; otherwise it is stored, where no other column of ' +
      "Laravel's table asks for more. The same tripId under a new key answers with the trip that stands.",
    body: TRIP_ORDER,
    responses: {
      ...KEYED,
      200: { description: 'it was created before, just so; it may have moved since', schema: TRIP },
      201: { description: 'it is created', schema: TRIP },
      404: { description: 'Laravel stores its trip first, or it was deleted (`trip_unknown`)' },
      409: {
        description:
          'it stands with other content (`trip_differs`, `fields`), Laravel has it and it no longer waits ' +
          `(\`trip_not_pending\`, \`tripStatus\`), ${IN_FLIGHT}`,
      },
    },
  },
  {
    ...KEYED_POST,
    path: '/internal/trips/{id}/cancel',
    operationId: 'cancelTrip',
    summary: 'Cancel a trip, or release it for another driver',
    description:
      'With `redispatch` a driver gives it up before the start: it waits again, and another driver is looked for. A late rider owes ' +
      '`cancellationFeeMinor`, where that is configured; nobody charges it here.',
    parameters: [TRIP_ID],
    body: TRIP_CANCEL,
    responses: {
      ...KEYED,
      200: { description: 'it is cancelled, or it was; with `redispatch` it waits again', schema: TRIP },
      404: UNKNOWN,
      409: {
        description:
          'it has ended otherwise (`transition_not_allowed`, `from`, `to`), it is of another driver (`trip_differs`), ' +
          IN_FLIGHT,
      },
    },
  },
  {
    ...KEYED_POST,
    path: '/internal/trips/{id}/transition',
    operationId: 'moveTrip',
    summary: 'Say that the driver arrived, or that the trip started, ended or is on its way back',
    description:
      'Laravel may have written the new status itself, before or after; the move is recorded once. `started` leads to ' +
      '`ongoing`; `arrived` leaves the status `accepted`.',
    parameters: [TRIP_ID],
    body: TRIP_TRANSITION,
    responses: {
      ...KEYED,
      200: { description: 'the trip stands there', schema: TRIP },
      404: UNKNOWN,
      409: {
        description:
          'there is no way from where it stands (`transition_not_allowed`, `from`, `to`), it is of another driver, or ended ' +
          `with another fare or currency (\`trip_differs\`, \`fields\`), ${IN_FLIGHT}`,
      },
    },
  },
  {
    ...KEYED_POST,
    path: '/internal/trips/{id}/accept',
    operationId: 'acceptTrip',
    summary: 'A driver accepts a trip that was offered to him',
    description: 'One driver a trip, one ride a driver. Refusals with 409 stand for their keys.',
    parameters: [TRIP_ID],
    body: TRIP_ACCEPT,
    responses: {
      ...KEYED,
      200: { description: 'the trip is his, or was by this offer or by Laravel’s hand', schema: TRIP },
      404: UNKNOWN,
      409: {
        description:
          'another driver has it (`trip_taken`), he is on another ride (`driver_busy`), he never had this offer ' +
          '(`offer_unknown`), its deadline has passed (`offer_expired`), it was rejected or withdrawn (`offer_closed`), drivers ' +
          'bid for it and the rider chooses (`bid_required`), the ' +
          `trip no longer waits (\`transition_not_allowed\`), ${IN_FLIGHT}`,
      },
    },
  },
  {
    ...KEYED_POST,
    path: '/internal/trips/{id}/bids/{bidId}/accept',
    operationId: 'acceptBid',
    summary: "The rider takes a driver's bid",
    description:
      'It is the acceptance: one driver a trip, one ride a driver; all other bids and offers of the trip end with it. What was ' +
      'agreed on is `agreedFareMinor`. Refusals with 409 stand for their keys.',
    parameters: [TRIP_ID, { ...TRIP_ID, name: 'bidId', description: "the bid's id" }],
    body: BID_ACCEPT,
    responses: {
      ...KEYED,
      200: { description: 'the trip is this driver’s, or was by this bid', schema: TRIP },
      404: { description: "there is no such trip, or it is another rider's (`trip_unknown`)" },
      409: {
        description:
          'another driver has it (`trip_taken`), this one is on another ride (`driver_busy`), there is no such bid ' +
          '(`bid_unknown`), its deadline has passed (`bid_expired`), its driver withdrew it or bid otherwise (`bid_closed`), the ' +
          `trip no longer waits (\`transition_not_allowed\`), ${IN_FLIGHT}`,
      },
    },
  },
  {
    ...COMMON,
    method: 'get',
    path: '/internal/trips/{id}',
    operationId: 'showTrip',
    summary: 'State, transitions, offers and bids of a trip',
    parameters: [TRIP_ID],
    responses: {
      ...REFUSALS,
      200: { description: 'the trip', schema: TRIP_HISTORY },
      404: UNKNOWN,
      503: { description: 'the database is away' },
    },
  },
]
