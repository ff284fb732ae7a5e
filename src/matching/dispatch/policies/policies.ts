import type { DispatchPolicy } from '../../trips/trip.ts'
import type { Policy } from '../policy.ts'
import { batch } from './batch.ts'
import { bidding } from './bidding.ts'
import { broadcast } from './broadcast.ts'
import { nearest } from './nearest.ts'

/** Every policy by its name. Pure, and as long as they take: `decide` keeps a large window off the event loop. */
export const POLICIES: Record<DispatchPolicy, Policy> = { nearest, broadcast, batch, bidding }
