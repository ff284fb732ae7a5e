/** A defect that a storm must find: other words in a file, or another schema. */
export interface Mutant {
  readonly name: string
  readonly why: string
  /** What is run in the database before anybody serves. */
  readonly sql?: readonly string[]
  /** What the servers load instead of what stands there; each text stands in its file once. */
  readonly edits?: readonly Edit[]
}

export interface Edit {
  /** From the repository's root. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const NO_UNIQUE = [
  'ALTER TABLE trip_requests DROP KEY one_active_trip_per_driver',
  'ALTER TABLE trip_requests ADD KEY one_active_trip_per_driver (active_driver_id)',
]

/** As another ride-hailing stack has it: five seconds, and whoever is done deletes it, be it his or another's. */
const REDIS_LOCK = `
  const { Redis } = await import('ioredis')
  globalThis.lockRedis ??= new Redis(JSON.parse(process.env.MUTANT_REDIS ?? '{}'))
  const lock = 'driver-lock:' + driverId
  if ((await globalThis.lockRedis.set(lock, '1', 'PX', 5_000, 'NX')) === null) return { kind: 'driver_busy' }
  try {
    if (await isOnRide(connection, driverId)) return { kind: 'driver_busy' }
    if (await takeTrip(connection, before.id, driverId, expiresAt)) return null
  } finally {
    await globalThis.lockRedis.del(lock)
  }
  try {
`

const STORE = 'src/matching/trips/store.ts'
const ACCEPT = 'src/matching/trips/accept.ts'
const ACCEPT_BID = 'src/matching/bids/accept-bid.ts'
const END_BIDS = 'src/matching/bids/end.ts'
const OFFERING = 'src/matching/dispatch/offering.ts'
const ONCE = 'src/idempotency/once.ts'

/** In the order of docs/testing.md. */
export const MUTANTS: readonly Mutant[] = [
  { name: 'no-unique', why: 'a driver has as many rides as he is given', sql: NO_UNIQUE },
  {
    name: 'redis-lock',
    why: 'a lock of five seconds in Redis, released without a token and before the commit, instead of the UNIQUE key',
    sql: NO_UNIQUE,
    edits: [
      {
        file: ACCEPT,
        from: '  try {\n    if (await takeTrip(connection, before.id, driverId, expiresAt)) return null\n',
        to: `${REDIS_LOCK}    if (false) return null\n`,
      },
    ],
  },
  {
    name: 'no-driver-is-null',
    why: 'the conditional UPDATE without `driver_id IS NULL`',
    edits: [
      {
        file: STORE,
        from: "AND current_status = 'pending' AND driver_id IS NULL",
        to: "AND current_status = 'pending'",
      },
    ],
  },
  {
    name: 'no-status',
    why: "the conditional UPDATE without `current_status = 'pending'`",
    edits: [
      {
        file: STORE,
        from: "AND current_status = 'pending' AND driver_id IS NULL",
        to: 'AND driver_id IS NULL',
      },
    ],
  },
  {
    name: 'no-condition',
    why: 'who reads that a trip waits, and then takes it: neither a lock nor a condition',
    edits: [
      {
        file: 'src/matching/trips/trip-reader.ts',
        from: 'WHERE id = ? AND deleted_at IS NULL FOR UPDATE`',
        to: 'WHERE id = ? AND deleted_at IS NULL`',
      },
      {
        file: STORE,
        from: "AND current_status = 'pending' AND driver_id IS NULL AND deleted_at IS NULL",
        to: 'AND deleted_at IS NULL',
      },
    ],
  },
  {
    name: 'no-deadline',
    why: 'an offer may be accepted after its deadline',
    edits: [
      { file: ACCEPT, from: "  if (offer.isOverdue) return { kind: 'offer_expired' }\n", to: '' },
      { file: ACCEPT, from: "  if (mine.isOverdue) return { kind: 'offer_expired' }\n", to: '' },
    ],
  },
  {
    name: 'no-offer-lost',
    why: 'offers live on when a trip has its driver',
    edits: [{ file: ACCEPT, from: "  await endOffers(connection, idsOf(lost), 'lost')\n", to: '' }],
  },
  {
    name: 'dead-bid',
    why: 'a bid that was withdrawn or replaced may be chosen',
    edits: [
      {
        file: ACCEPT_BID,
        from: "  if (bid.state !== 'live') return closedBid(connection, bid, before)\n",
        to: "  if (bid.state === 'accepted' || bid.state === 'lost') return closedBid(connection, bid, before)\n",
      },
      {
        file: ACCEPT_BID,
        from: 'const stands = bids.find(({ id }) => id.equals(bid.id))\n',
        to: 'const stands = bids.find(({ id }) => id.equals(bid.id)) ?? bid\n',
      },
    ],
  },
  {
    name: 'losers-bid-on',
    why: 'other bids live on when a rider has chosen one',
    edits: [
      {
        file: END_BIDS,
        from: 'const live = await lockLiveBids(connection, tripId, acceptedDriverId)',
        to: 'const live = await lockLiveBids(connection, acceptedDriverId === null ? tripId : null, acceptedDriverId)',
      },
    ],
  },
  {
    name: 'losers-reserved',
    why: 'whoever is not chosen stays reserved',
    edits: [
      {
        file: END_BIDS,
        from: "why !== 'accepted' && why !== 'took_another' && why !== 'replaced')",
        to: "why === 'withdrawn' || why === 'expired')",
      },
    ],
  },
  {
    name: 'not-looked-for',
    why: 'nobody looks for another driver when one has given the ride up',
    edits: [
      {
        file: 'src/matching/trips/perform.ts',
        from: "const isWaiting = trip.state === 'pending' && (await startDispatchIn(connection, trip, rules))",
        to: "const isWaiting = trip.state === 'pending' && rules === null",
      },
    ],
  },
  {
    name: 'asked-by-two',
    why: 'a driver who is asked alone is asked for another ride as well',
    edits: [
      {
        file: 'src/matching/dispatch/facts.ts',
        from: 'if (live.length >= (isExclusive ? 1 : OFFER_SLOTS))',
        to: 'if (live.length >= OFFER_SLOTS)',
      },
      { file: OFFERING, from: 'if (isExclusive ? his.length > 0 : his.some(', to: 'if (his.some(' },
    ],
  },
  {
    name: 'before-commit',
    why: 'answered before the commit',
    edits: [
      {
        file: ONCE,
        from: '  const committed = commitWithAnswer(connection, mine.claim, answer)\n',
        to: '  const later = new Promise((resolve) => setTimeout(resolve, 20))\n  const committed = later.then(() => commitWithAnswer(connection, mine.claim, answer))\n  committed.catch(() => undefined)\n  if (answer) return answer\n',
      },
    ],
  },
  {
    name: 'key-forgotten',
    why: 'a repeated command is performed anew',
    edits: [
      {
        file: ONCE,
        from: 'async run({ key, fingerprint }: OnceRequest',
        to: 'async run({ fingerprint }: OnceRequest',
      },
      {
        file: ONCE,
        from: '    if (key === null) return this.#runUnkeyed(handle)\n',
        to: '    const key: Buffer | null = Buffer.concat([newId(), newId()])\n    if (key === null) return this.#runUnkeyed(handle)\n',
      },
    ],
  },
]

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((one) => one.name === name)
  if (mutant === undefined)
    throw new Error(`there is no mutant ${name}: ${MUTANTS.map((one) => one.name).join(', ')}`)
  return mutant
}
