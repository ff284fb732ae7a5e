import { durabilityDoubts } from '../../db/durability.ts'
import { migrationStatus } from '../../db/migration-status.ts'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { type Backlog, readBacklog } from '../webhooks/backlog.ts'
import { listPauses } from '../webhooks/pauses.ts'
import { type CliContext, readConfig, withContext } from './context.ts'
import { checkCallbacks, checkLaravel } from './doctor-callbacks.ts'
import { checkDispatchRules } from './doctor-dispatch.ts'
import { checkRedis } from './doctor-redis.ts'
import { CliError, failureOf } from './failure.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'

/** Every check, in the order in which things depend on each other. Never throws for what it is there to find. */
export async function findings(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const configuration = checkConfiguration(env)
  if (configuration.some(({ status }) => status === 'wrong')) return configuration
  try {
    const others = await withContext(env, checkServers, { migrates: false })
    return [...configuration, ...others]
  } catch (error) {
    const message = failureOf(error)?.message ?? 'it does not answer'
    const advice =
      'check DB_HOST, DB_PORT, DB_USERNAME, DB_PASSWORD and DB_DATABASE, and that the server runs'
    return [...configuration, wrong('database', message, advice)]
  }
}

function checkConfiguration(env: NodeJS.ProcessEnv): Finding[] {
  try {
    const config = readConfig(env)
    const made = config.missingSecrets.length
    const detail =
      made === 0 ? config.environment : `${config.environment}, ${made} secrets made up for development`
    return [ok('configuration', detail), ...checkDispatchRules(config)]
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const problems = error.failure.problems ?? [error.message]
    return problems.map((problem) =>
      wrong('configuration', problem, 'set it in the environment; see docs/configuration.md'),
    )
  }
}

async function checkServers(context: CliContext): Promise<Finding[]> {
  const schema = await checkSchema(context)
  return [
    await checkDatabase(context),
    await checkDurability(context.pool),
    await checkClock(context.pool),
    await checkRedis(context),
    await checkLaravel(context),
    schema,
    ...(schema.status === 'ok' ? await checkWork(context) : []),
  ]
}

async function checkDatabase({ pool, database, isEmbedded }: CliContext): Promise<Finding> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT VERSION() AS version')
  const where = isEmbedded
    ? 'private, in the data folder'
    : `${database.host}:${database.port}/${database.database}`
  return ok('database', `${rows[0]?.version} (${where})`)
}

async function checkDurability(pool: Pool): Promise<Finding> {
  const doubts = await durabilityDoubts(pool)
  if (doubts.length === 0) return ok('durability', 'a commit is on disk before it is answered')
  return wrong(
    'durability',
    doubts.join('; '),
    'set it in my.cnf and restart; the service refuses to be ready until then',
  )
}

/** Gateways sign times and reject or are rejected by minutes; two seconds mean that no time service runs. */
const MAX_SKEW_MS = 2_000

async function checkClock(pool: Pool): Promise<Finding> {
  const beforeMs = Date.now()
  const [rows] = await pool.query<RowDataPacket[]>('SELECT UTC_TIMESTAMP(3) AS now')
  const afterMs = Date.now()
  const now: Date = rows[0]?.now ?? new Date(Number.NaN)
  const skewMs = Math.round(now.getTime() - (beforeMs + afterMs) / 2)
  const doubtMs = Math.ceil((afterMs - beforeMs) / 2)
  const detail = `${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's, ±${doubtMs} ms`
  if (Math.abs(skewMs) - doubtMs <= MAX_SKEW_MS) return ok("database's clock", detail)
  return wrong("database's clock", detail, 'run a time service (chrony) on both machines')
}

async function checkSchema({ pool, isEmbedded }: CliContext): Promise<Finding> {
  const all = await migrationStatus(pool)
  const odd = all.filter(({ status }) => status === 'edited' || status === 'missing')
  if (odd.length > 0) {
    const names = odd.map(({ name, status }) => `${name} (${status})`).join(', ')
    return wrong(
      'schema',
      names,
      'this program is not the one that migrated the database; deploy the right version',
    )
  }
  const pending = all.filter(({ status }) => status !== 'done').map(({ name }) => name)
  if (pending.length === 0) return ok('schema', `all ${all.length} migrations applied`)
  const detail = `${pending.length} migrations pending: ${pending.join(', ')}`
  // Whatever opens a private database brings it up to date.
  if (isEmbedded) return warning('schema', detail, 'nothing: the service, or the next command, applies them')
  return wrong('schema', detail, 'run: onceline migrate')
}

async function checkWork({ config, pool }: CliContext): Promise<Finding[]> {
  const backlog = await readBacklog(pool)
  const pauses = await listPauses(pool)
  const names = pauses.map(({ gateway, account }) => `${gateway}/${account}`).join(', ')
  return [
    oldestEvent(backlog),
    heldEvents(backlog),
    pauses.length === 0
      ? ok('pauses', 'no gateway is paused')
      : warning(
          'pauses',
          `${names} paused`,
          'when the reason is gone: onceline gateways resume <gateway/account>',
        ),
    ...(await checkCallbacks({ config }, pool)),
  ]
}

/** A healthy event is processed in milliseconds, and the first retries come within seconds. */
const MAX_AGE_SECONDS = 60

function oldestEvent({ states, oldestUnfinishedSeconds }: Backlog): Finding {
  const waiting = `${states.received ?? 0} unfinished`
  if (oldestUnfinishedSeconds <= MAX_AGE_SECONDS) return ok('work', waiting)
  const detail = `${waiting}, the oldest for ${Math.round(oldestUnfinishedSeconds)} s`
  const advice = 'does the service run? If so, see why they fail: onceline events list --status received'
  return wrong('work', detail, advice)
}

const HELD = ['dead', 'quarantined', 'unconfirmed', 'parked'] as const

function heldEvents({ states }: Backlog): Finding {
  const counts = HELD.flatMap((state) => (states[state] ? [`${states[state]} ${state}`] : []))
  if (counts.length === 0) return ok('held events', 'none')
  return warning('held events', counts.join(', '), 'look at them: onceline events list --status <state>')
}
