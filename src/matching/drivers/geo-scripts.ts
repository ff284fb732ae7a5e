import type { Redis } from '../../../db/redis.ts'

// A group (installation, zone, category) is one hash tag, so that all its keys are in one slot of a cluster. For each bucket there are
// two keys: where its drivers are (a sorted set), and when and by whom they were heard of (a hash). The bucket is Redis' clock's, so
// that processes agree on it, and both keys expire.

/** Spans that a key lives: its own, the next one in which it is read, and one for luck. */
const LIVES = 3

const CLOCK = `
local bucketMs = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local bucket = math.floor(now / bucketMs)
local function places(n) return string.format('%s:%d:at', KEYS[1], n) end
local function signs(n) return string.format('%s:%d:heard', KEYS[1], n) end
`

/**
 * Each driver is in the newest bucket alone. Whom another process heard of later stays as that wrote him: his old socket may not be known to
 * be dead yet. ARGV: span, owner, and a JSON array of longitude, latitude, id and milliseconds since he was heard of, for each.
 */
const ADD = `${CLOCK}
local owner = ARGV[2]
local said = cjson.decode(ARGV[3])
local all = {}
for k = 1, #said / 4 do all[k] = said[4 * k - 1] end
local newest = redis.call('HMGET', signs(bucket), unpack(all))
local before = redis.call('HMGET', signs(bucket - 1), unpack(all))
local positions, heard, ids = {}, {}, {}
for k, id in ipairs(all) do
  local i, n = 4 * k - 3, #ids
  local at = now - said[i + 3]
  local sign = newest[k] or before[k]
  local other, whose = string.match(sign or '', '^(%d+) (.+)$')
  if not other or whose == owner or tonumber(other) <= at then
    positions[3 * n + 1], positions[3 * n + 2], positions[3 * n + 3] = said[i], said[i + 1], id
    heard[2 * n + 1] = id
    heard[2 * n + 2] = string.format('%d ', at) .. owner
    ids[n + 1] = id
  end
end
if #ids == 0 then return end
redis.call('GEOADD', places(bucket), unpack(positions))
redis.call('HSET', signs(bucket), unpack(heard))
redis.call('ZREM', places(bucket - 1), unpack(ids))
redis.call('PEXPIRE', places(bucket), bucketMs * ${LIVES})
redis.call('PEXPIRE', signs(bucket), bucketMs * ${LIVES})
`

/** Whom another process has written since is left to it. ARGV: span, owner, then ids. */
const REMOVE = `${CLOCK}
local owner = ARGV[2]
for n = bucket - 1, bucket do
  for i = 3, #ARGV do
    local sign = redis.call('HGET', signs(n), ARGV[i])
    if sign and string.match(sign, ' (.+)$') == owner then
      redis.call('ZREM', places(n), ARGV[i])
      redis.call('HDEL', signs(n), ARGV[i])
    end
  end
end
`

/**
 * The first radius that has enough, or the last. ARGV: span, longitude, latitude, how many, milliseconds after which nobody counts, then radii
 * in metres. Answers with id, metres, milliseconds since he was heard of, longitude and latitude for each, the nearest first within a
 * bucket. The dead ones among the nearest are counted with a margin.
 */
const SEARCH = `${CLOCK}
local limit, staleMs = tonumber(ARGV[4]), tonumber(ARGV[5])
local found = {}
for i = 6, #ARGV do
  found = {}
  for n = bucket, bucket - 1, -1 do
    local hits = redis.call('GEOSEARCH', places(n), 'FROMLONLAT', ARGV[2], ARGV[3], 'BYRADIUS', ARGV[i], 'm',
      'ASC', 'COUNT', limit * 2, 'WITHDIST', 'WITHCOORD')
    local ids = {}
    for k, hit in ipairs(hits) do ids[k] = hit[1] end
    local heard = #ids > 0 and redis.call('HMGET', signs(n), unpack(ids)) or {}
    for k, hit in ipairs(hits) do
      local at = heard[k] and tonumber(string.match(heard[k], '^%d+'))
      if at and now - at <= staleMs then
        local m = #found
        found[m + 1], found[m + 2], found[m + 3] = hit[1], hit[2], string.format('%d', math.max(now - at, 0))
        found[m + 4], found[m + 5] = hit[3][1], hit[3][2]
      end
    end
  end
  if #found >= limit * 5 then break end
end
return found
`

type Command<Answer> = (key: string, ...rest: (string | number)[]) => Promise<Answer>

/** The three questions that a pool has for Redis. */
export interface GeoCommands {
  readonly add: Command<null>
  readonly remove: Command<null>
  readonly search: Command<string[]>
}

/** Teaches a client of Redis the scripts; each is sent by its hash, and as a whole only to a Redis that does not know it. */
export function geoCommands(redis: Redis): GeoCommands {
  redis.defineCommand('oncelineGeoAdd', { numberOfKeys: 1, lua: ADD })
  redis.defineCommand('oncelineGeoRemove', { numberOfKeys: 1, lua: REMOVE })
  redis.defineCommand('oncelineGeoSearch', { numberOfKeys: 1, lua: SEARCH })
  const taught = redis as unknown as Record<string, Command<never>>
  const command = <Answer>(name: string) => taught[name]?.bind(redis) as Command<Answer>
  return {
    add: command('oncelineGeoAdd'),
    remove: command('oncelineGeoRemove'),
    search: command('oncelineGeoSearch'),
  }
}
