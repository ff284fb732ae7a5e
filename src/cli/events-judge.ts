import type { Pool } from '../../db/pools.ts'
import type { Id } from '../base/ids.ts'
import type { Deed } from '../webhooks/audit.ts'
import type { OperationReport } from '../webhooks/operate.ts'
import { actorOf, type Call } from './cli.ts'
import { withContext } from './context.ts'
import { ringFor } from './doorbell.ts'
import type { ExitCode } from './exit-codes.ts'
import { answerOperation } from './operation-view.ts'

export interface JudgeOptions {
  readonly reason: string
}

type Judgement = (pool: Pool, ids: readonly Id[], deed: Deed) => Promise<OperationReport>

/** The work of release and discard: both are a person's word about named events, with a reason. */
export async function judge(
  { cli, options, args, printer }: Call<JudgeOptions>,
  verb: 'release' | 'discard',
  judgement: Judgement,
): Promise<ExitCode> {
  const ids = args[0] as readonly Id[]
  const deed = { actor: actorOf(options), reason: options.reason }
  const report = await withContext(cli.env, async (context) => {
    const report = await judgement(context.pool, ids, deed)
    if (verb === 'release') await ringFor(context, report.done)
    return report
  })
  return answerOperation(printer, report, { verb, dryRun: false })
}
