import type { Redis } from '../../../db/redis.ts'

/** A question about one hash of seats: what this node has now, and whether that fits beside what the live others have. */
export interface SeatQuestion {
  readonly key: string
  readonly nodeId: string
  /** Of this node, the one that is asked for included. */
  readonly mine: number
  /** null: it is told and not asked. */
  readonly limit: number | null
  readonly liveNodes: readonly string[]
}

/** An hour: a process tells its counts anew long before. */
const LIFETIME_MS = 3_600_000
/** A node that is not known to be alive may be a second old; one whose last word is older than this is dead. */
const FORGET_SECONDS = 60
const NO_LIMIT = -1

/**
 * A hash has a field for each node, with the node's own absolute count and when it was told, on Redis' clock. Counts are set and never
 * added to, so that a repetition is harmless. Fields of nodes that do not live are not counted.
 */
const SCRIPT = `
local me, mine, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local live = {}
for i = 6, #ARGV do live[ARGV[i]] = true end
local now = tonumber(redis.call('TIME')[1])
local others = 0
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if fields[i] ~= me then
    local count, told = string.match(fields[i + 1], '^(%d+):(%d+)$')
    if live[fields[i]] then
      others = others + tonumber(count or 0)
    elseif now - tonumber(told or 0) > tonumber(ARGV[5]) then
      redis.call('HDEL', KEYS[1], fields[i])
    end
  end
end
local fits = 1
if limit >= 0 and others + mine > limit then
  fits = 0
  mine = mine - 1
end
if mine > 0 then
  redis.call('HSET', KEYS[1], me, mine .. ':' .. now)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
else
  redis.call('HDEL', KEYS[1], me)
end
return fits
`

type SeatCommand = (key: string, ...rest: (string | number)[]) => Promise<number>

/** Teaches a Redis client the question; it is sent by its hash, and as a whole only to a Redis that does not know it. */
export function seatCommand(redis: Redis): (question: SeatQuestion) => Promise<boolean> {
  redis.defineCommand('oncelineSeats', { numberOfKeys: 1, lua: SCRIPT })
  const send = (redis as unknown as { oncelineSeats: SeatCommand }).oncelineSeats.bind(redis)
  return async ({ key, nodeId, mine, limit, liveNodes }) => {
    const fits = await send(
      key,
      nodeId,
      mine,
      limit ?? NO_LIMIT,
      LIFETIME_MS,
      FORGET_SECONDS,
      ...liveNodes.filter((node) => node !== nodeId),
    )
    return fits === 1
  }
}
