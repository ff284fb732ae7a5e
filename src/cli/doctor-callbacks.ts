import type { Pool } from '../../db/pools.ts'
import { LARAVEL_TOPIC } from '../laravel/queue.ts'
import { reachOf } from '../laravel/reach.ts'
import { type OutboxBacklog, readOutboxBacklog } from '../outbox/backlog.ts'
import type { CliContext } from './context.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'

/** Whether Laravel can be called from this machine. Asks it nothing and shows it no key. */
export async function checkLaravel({ config }: CliContext): Promise<Finding> {
  const { laravel } = config
  if (laravel === null) return ok('Laravel', 'LARAVEL_API_URL is not set: nobody is called back')
  const reach = await reachOf(laravel.url)
  if (reach.kind === 'away') {
    const advice =
      'callbacks wait until it answers; check that Laravel runs, LARAVEL_API_URL, and the network between'
    return wrong('Laravel', `${laravel.url} ${reach.detail}`, advice)
  }
  if (reach.status < 500) return ok('Laravel', `${laravel.url} answers`)
  const advice = 'callbacks wait until it is well; is it in maintenance? Its own log says more'
  return warning('Laravel', `${laravel.url} answers with ${reach.status}`, advice)
}

/** What has not been delivered. Needs the schema. */
export async function checkCallbacks({ config }: Pick<CliContext, 'config'>, pool: Pool): Promise<Finding[]> {
  const backlog = await readOutboxBacklog(pool, LARAVEL_TOPIC)
  return [oldestCallback(backlog, config.laravel !== null), deadCallbacks(backlog)]
}

/** A callback is delivered in milliseconds; docs/operations.md alarms at this age too. */
const MAX_AGE_SECONDS = 300

function oldestCallback({ states, oldestSeconds }: OutboxBacklog, isConfigured: boolean): Finding {
  const open = states.pending + states.sending
  if (open > 0 && !isConfigured) {
    const advice = 'set LARAVEL_API_URL again, or discard them: onceline callbacks list --status pending'
    return warning('callbacks', `${open} wait, and nobody sends them without LARAVEL_API_URL`, advice)
  }
  if (oldestSeconds <= MAX_AGE_SECONDS) return ok('callbacks', `${open} waiting`)
  const advice =
    'see why: onceline callbacks list --status pending, then show <id>; onceline_callback_circuit_state in /metrics is 2 while a process lets Laravel alone'
  return wrong('callbacks', `${open} waiting, the oldest for ${Math.round(oldestSeconds)} s`, advice)
}

function deadCallbacks({ states }: OutboxBacklog): Finding {
  if (states.dead === 0) return ok('dead callbacks', 'none')
  const advice = 'look at them: onceline callbacks list --status dead; then replay or discard them'
  return warning('dead callbacks', `${states.dead} that Laravel refused or did not take`, advice)
}
