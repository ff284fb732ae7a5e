import type { Command } from 'commander'
import type { Id } from '../base/ids.ts'
import { operateOnCallbacks } from '../laravel/callback-operate.ts'
import { CALLBACK_QUEUE } from '../laravel/queue.ts'
import { parseIds, parseReason } from './arguments.ts'
import { answerCallbacks } from './callback-view.ts'
import { actorOf, type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { ringFor } from './doorbell.ts'
import type { ExitCode } from './exit-codes.ts'

interface Options {
  readonly reason: string
}

const DISCARD_HELP = `
Laravel will never hear of these, and those behind them in their key go on. It cannot be undone. One that is in flight is
refused: it may be too late.

Example:
  onceline callbacks discard 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11 --reason "trip was settled by hand"`

/** `onceline callbacks discard` */
export function addCallbacksDiscard(callbacks: Command, cli: Cli): void {
  callbacks
    .command('discard')
    .description('end waiting or dead callbacks without sending them')
    .argument('<ids...>', 'the callbacks', parseIds)
    .requiredOption('--reason <text>', 'why Laravel need not know, for the audit', parseReason)
    .addHelpText('after', DISCARD_HELP)
    .action(handler<Options>(cli, discard))
}

async function discard({ cli, options, args, printer }: Call<Options>): Promise<ExitCode> {
  const deed = { actor: actorOf(options), reason: options.reason }
  const report = await withContext(cli.env, async (context) => {
    const report = await operateOnCallbacks(context.pool, 'discard', args[0] as readonly Id[], deed)
    await ringFor(context, report.toRing, CALLBACK_QUEUE)
    return report
  })
  return answerCallbacks(printer, report, { verb: 'discard', dryRun: false })
}
