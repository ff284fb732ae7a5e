import type { Command } from 'commander'
import type { Id } from '../base/ids.ts'
import {
  type CallbackReport,
  findDeadCallbacks,
  operateOnCallbacks,
  previewReplay,
} from '../laravel/callback-operate.ts'
import { CALLBACK_QUEUE } from '../laravel/queue.ts'
import { parseIds, parseLimit, parseReason } from './arguments.ts'
import { addCallbackFilter, type CallbackFilterOptions, callbackFilterOf } from './callback-options.ts'
import { answerCallbacks } from './callback-view.ts'
import { actorOf, type Call, type Cli, handler } from './cli.ts'
import { type CliContext, withContext } from './context.ts'
import { ringFor } from './doorbell.ts'
import type { ExitCode } from './exit-codes.ts'
import { usageError } from './failure.ts'

interface Options extends CallbackFilterOptions {
  readonly dryRun?: true
  readonly reason?: string
  readonly limit: number
}

const MAX_LIMIT = 1_000_000
const DEFAULT_LIMIT = 100_000

const EXAMPLES = `
Puts dead callbacks back, by ids or by --status dead and further filters, each in its old place: before whatever of its
key has not been sent yet. Laravel may have heard of later things already, and must look at "sequence" or at the state of
the payment.

Examples:
  onceline callbacks replay --status dead --since 2h --dry-run
  onceline callbacks replay 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11 --reason "route was missing in Laravel"`

/** `onceline callbacks replay` */
export function addCallbacksReplay(callbacks: Command, cli: Cli): void {
  const command = callbacks
    .command('replay')
    .description('put dead callbacks back to work')
    .argument('[ids...]', 'the callbacks; or name --status dead', parseIds)
  addCallbackFilter(command, ['dead'])
    .option('--dry-run', 'say which callbacks these are and change nothing')
    .option('--reason <text>', 'why, for the audit', parseReason)
    .option('--limit <n>', 'at most so many, the oldest first', parseLimit(MAX_LIMIT), DEFAULT_LIMIT)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, replay))
}

async function replay({ cli, options, args, printer }: Call<Options>): Promise<ExitCode> {
  const ids = (args[0] ?? []) as readonly Id[]
  assertOneTarget(ids, options)
  const report = await withContext(cli.env, (context) => work(context, ids, options))
  return answerCallbacks(printer, report, { verb: 'replay', dryRun: options.dryRun === true })
}

function assertOneTarget(ids: readonly Id[], { status, event, key, since, until }: Options): void {
  const isNarrowed = [status, event, key, since, until].some((value) => value !== undefined)
  if (ids.length > 0 && isNarrowed) throw usageError('name ids, or --status with further filters, not both')
  if (ids.length === 0 && status === undefined) throw usageError('name ids, or --status dead')
}

async function work(
  context: CliContext,
  named: readonly Id[],
  options: Call<Options>['options'],
): Promise<CallbackReport> {
  const { pool } = context
  const isByFilter = named.length === 0
  const ids = isByFilter ? await findDeadCallbacks(pool, callbackFilterOf(options), options.limit) : named
  if (options.dryRun === true) return previewReplay(pool, ids)
  const deed = { actor: actorOf(options), reason: options.reason ?? '' }
  const report = await operateOnCallbacks(pool, 'replay', ids, deed)
  await ringFor(context, report.toRing, CALLBACK_QUEUE)
  // What another operator put back or removed meanwhile was not asked for by name.
  return isByFilter ? { ...report, refused: [] } : report
}
