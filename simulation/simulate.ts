import { join } from 'node:path'
import { parseOptions, type SimulationOptions } from './options.ts'
import { writeReport } from './report/report.ts'
import { type Outcome, runSimulation, type Watcher } from './run.ts'
import { Service } from './service/service.ts'
import { painter } from './view/board.ts'
import { watchOn } from './view/terminal.ts'

const EXIT = { holds: 0, broken: 1 } as const

/** `npm run simulate`: returns the exit code, 1 when an invariant is broken. */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = parseOptions(argv)
  const isColoured = process.stdout.isTTY === true && env.NO_COLOR === undefined
  const watcher = watchOn(process.stdout, isColoured)
  const dataDir = env.DATA_DIR ?? '.data'
  const outcome = await simulate(options, join(dataDir, 'simulation'), watcher)
  const file = options.out ?? join(dataDir, 'simulation', `${options.policy}-${options.seed}.html`)
  const { page, data } = writeReport(file, outcome)
  console.log(`\n${summaryOf(outcome, isColoured)}\n\nreport: ${page}\n        ${data}`)
  return outcome.invariants.every(({ holds }) => holds) ? EXIT.holds : EXIT.broken
}

async function simulate(options: SimulationOptions, dataDir: string, watcher: Watcher): Promise<Outcome> {
  watcher.stage(`${options.processes} Onceline processes start, with a private database and a private Redis`)
  const service = await Service.open({ ...options, dataDir })
  try {
    return await runSimulation(options, service, watcher)
  } finally {
    await service.close()
  }
}

function summaryOf({ figures, invariants, wallSeconds }: Outcome, isColoured: boolean): string {
  const paint = painter(isColoured)
  const { pickupMeters, pickupSeconds, matchSeconds, offersPerTrip, fairness } = figures
  const number = (value: number | undefined, digits: number) =>
    value === undefined ? '-' : value.toFixed(digits)
  const km = (value: number | undefined) => number(value === undefined ? value : value / 1_000, 2)
  const inMinutes = (value: number | undefined) => number(value === undefined ? value : value / 60, 1)
  return [
    ...invariants.map(
      ({ title, holds, seen, broken }) =>
        `${holds ? paint('green', '✔') : paint('red', '✘')} ${title} ${paint('dim', `(${seen})`)}${broken.map((one) => `\n    ${one}`).join('')}`,
    ),
    '',
    `${figures.requests} requests: ${figures.servedPercent.toFixed(1)} % of those decided served, ${figures.unserved} not`,
    `pickup         mean ${km(pickupMeters?.mean)} km, p95 ${km(pickupMeters?.p95)}, worst ${km(pickupMeters?.worst)}; ` +
      `mean ${inMinutes(pickupSeconds?.mean)} min, p95 ${inMinutes(pickupSeconds?.p95)}, worst ${inMinutes(pickupSeconds?.worst)}`,
    `driver found   after ${number(matchSeconds?.mean, 1)} s on average, p95 ${number(matchSeconds?.p95, 1)}, worst ${number(matchSeconds?.worst, 1)}`,
    `offers a trip  ${number(offersPerTrip?.mean, 2)}`,
    `drivers        ${fairness.busyPercent.toFixed(0)} % busy, ${fairness.ridesLeast} to ${fairness.ridesMost} rides; Gini of working time ${fairness.busyGini.toFixed(2)}`,
    `all in ${wallSeconds.toFixed(0)} s`,
  ].join('\n')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), process.env)
