import { Command } from 'commander'
import { processorLine } from './machine.ts'
import { describeSolving, measureSolving, solvingGoals } from './matching-solve.ts'
import { type Output, publish, runBenchmark } from './report.ts'

const command = new Command('bench:matching')
  .description('What matching costs: how long windows of batch take, and what they keep waiting.')
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(async () => {
  const output = command.parse().opts<Output>()
  const machine = processorLine()
  const solving = await measureSolving()
  const text = [machine, '', describeSolving(solving)].join('\n')
  publish(output, { benchmark: 'matching', machine, solving }, text, solvingGoals(solving))
})
