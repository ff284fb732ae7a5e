import type { Command } from 'commander'
import type { Pool } from '../../db/pools.ts'
import type { Id } from '../base/ids.ts'
import type { Deed } from '../webhooks/audit.ts'
import type { EventState } from '../webhooks/event.ts'
import type { ReplayFilter } from '../webhooks/event-filter.ts'
import {
  findReplayable,
  type OperationReport,
  previewReplay,
  replayEvents,
  replayMatching,
} from '../webhooks/operate.ts'
import { parseIds, parseLimit, parseReason } from './arguments.ts'
import { actorOf, type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { ringFor } from './doorbell.ts'
import { addEventFilter, type EventFilterOptions, filterOf } from './event-options.ts'
import type { ExitCode } from './exit-codes.ts'
import { usageError } from './failure.ts'
import { answerOperation } from './operation-view.ts'

interface Options extends EventFilterOptions {
  readonly dryRun?: true
  readonly reason?: string
  readonly limit: number
}

/** More than a night's outage leaves; whoever has more runs the command again. */
const MAX_LIMIT = 1_000_000
const DEFAULT_LIMIT = 100_000

const REPLAYABLE: readonly EventState[] = ['dead', 'parked', 'quarantined', 'unconfirmed', 'processed']

const EXAMPLES = `
Puts events back to work as they were stored, by ids or by --status and further filters. Nothing is approved by it: an
event that needs a person's word comes back to where it was (see "events release"). An event that moved its payment is
refused; a processed one that had no effect may be replayed.

Examples:
  onceline events replay --status dead --gateway kashier --since 2026-11-30T08:00Z --dry-run
  onceline events replay --status dead --since 2h --reason "database was full"
  onceline events replay 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11`

/** `onceline events replay` */
export function addEventsReplay(events: Command, cli: Cli): void {
  const command = events
    .command('replay')
    .description('put events back to work')
    .argument('[ids...]', 'the events; or name a --status', parseIds)
  addEventFilter(command, REPLAYABLE)
    .option('--dry-run', 'say which events these are and change nothing')
    .option('--reason <text>', 'why, for the audit', parseReason)
    .option('--limit <n>', 'at most so many, the oldest first', parseLimit(MAX_LIMIT), DEFAULT_LIMIT)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, replay))
}

async function replay({ cli, options, args, printer }: Call<Options>): Promise<ExitCode> {
  const target = targetOf((args[0] ?? []) as readonly Id[], options)
  const deed: Deed = { actor: actorOf(options), reason: options.reason ?? '' }
  const dryRun = options.dryRun === true
  const report = await withContext(cli.env, async (context) => {
    if (dryRun) return preview(context.pool, target, options.limit)
    const report = await apply(context.pool, target, deed, options.limit)
    await ringFor(context, report.done)
    return report
  })
  return answerOperation(printer, report, { verb: 'replay', dryRun })
}

type Target =
  | { readonly kind: 'ids'; readonly ids: readonly Id[] }
  | { readonly kind: 'filter'; readonly filter: ReplayFilter }

function targetOf(ids: readonly Id[], options: Options): Target {
  const { status, gateway, account, since, until } = options
  const narrowed = [status, gateway, account, since, until].some((value) => value !== undefined)
  if (ids.length > 0) {
    if (narrowed) throw usageError('name ids, or --status with further filters, not both')
    return { kind: 'ids', ids }
  }
  if (status === undefined) throw usageError(`name ids, or --status ${REPLAYABLE.join('|')}`)
  return { kind: 'filter', filter: { ...filterOf(options), state: status } }
}

async function preview(pool: Pool, target: Target, limit: number): Promise<OperationReport> {
  if (target.kind === 'ids') return previewReplay(pool, target.ids)
  return { done: await findReplayable(pool, target.filter, limit), refused: [] }
}

async function apply(pool: Pool, target: Target, deed: Deed, limit: number): Promise<OperationReport> {
  if (target.kind === 'ids') return replayEvents(pool, target.ids, deed)
  return { done: await replayMatching(pool, target.filter, deed, limit), refused: [] }
}
