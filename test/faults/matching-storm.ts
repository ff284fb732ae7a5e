import { parseArgs } from 'node:util'
import { openDataHost } from '../../db/embedded/data-host.ts'
import { playRuns } from './matching-runs.ts'
import { MatchingScene } from './matching-scene.ts'
import { mutantNamed } from './mutants.ts'

/** By hand: `node test/faults/matching-storm.ts --runs 1000 --seed 1`, with `--mutant no-unique` to see it fail. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    lanes: { type: 'string', default: '4' },
    kills: { type: 'string', default: '0.05' },
    plan: { type: 'string' },
    /** One plan after the other instead of any. */
    each: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    /** The first wrong run is the last. */
    impatient: { type: 'boolean', default: false },
    engine: { type: 'string', default: 'mariadb' },
  },
})

const engine = values.engine === 'mysql' ? 'mysql' : 'mariadb'
const host = await openDataHost({ dataDir: `.data/storm-${engine}`, engine })
const mutant = values.mutant === undefined ? null : mutantNamed(values.mutant)
const scene = await MatchingScene.open({ engine, mysql: host.mysql, redis: host.redis }, mutant)
const startMs = performance.now()
try {
  const told = await playRuns({
    scene,
    runs: Number(values.runs),
    seed: Number(values.seed),
    lanes: Number(values.lanes),
    killShare: Number(values.kills),
    isEach: values.each,
    isImpatient: values.impatient,
    ...(values.plan === undefined ? {} : { plan: values.plan }),
    onProgress: (line) => process.stderr.write(`\r${line}`),
  })
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(0)
  console.log(`\n${engine}, seed ${values.seed}, ${seconds} s:`, told.counts)
  for (const fault of told.faults.slice(0, 5)) console.log(fault)
  if (told.faults.length > 0) console.log(scene.words)
  console.log(told.faults.length === 0 ? 'no violation' : `${told.faults.length} runs were wrong`)
  process.exitCode = told.faults.length === 0 ? 0 : 1
} finally {
  await scene.close()
  await host.stop()
}
