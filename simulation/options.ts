import { Command, InvalidArgumentError, Option } from 'commander'
import { DISPATCH_POLICIES, type DispatchPolicy } from '../src/matching/trips/trip.ts'

export interface SimulationOptions {
  readonly drivers: number
  /** A minute of the city. */
  readonly requests: number
  /** Of the city. */
  readonly minutes: number
  readonly policy: DispatchPolicy
  readonly seed: string
  /** How many times faster the city's clock goes. */
  readonly speed: number
  readonly processes: number
  /** The report, HTML; the same with .json stands beside it. Null: named after the policy and the seed, in the data folder. */
  readonly out: string | null
}

const MOST_DRIVERS = 2_000
const MOST_REQUESTS = 600
const MOST_MINUTES = 240
/** Faster than that, phones that answer at once would be late on the city's clock. */
const MOST_SPEED = 30
const MOST_PROCESSES = 8

/** What the command line says. Ends the process with a message where it says nothing that can be done. */
export function parseOptions(argv: readonly string[]): SimulationOptions {
  const command = new Command('simulate')
    .description(
      'An evening of a city: drivers and riders with phones over real WebSockets to real Onceline processes with a private database and a ' +
        'private Redis, from a seed. Shows it live, writes a report, and exits with 1 when an invariant does not hold.',
    )
    .option('--drivers <n>', 'who work', whole(MOST_DRIVERS), 300)
    .option('--requests <rate>', 'a minute, such as 40/min', rate, 40)
    .option('--minutes <n>', 'of the city', whole(MOST_MINUTES), 10)
    .addOption(
      new Option('--policy <policy>', 'how drivers are found').choices(DISPATCH_POLICIES).default('batch'),
    )
    .option('--seed <text>', 'everybody and everything comes from it', '1')
    .option('--speed <n>', 'how many times faster the city is than the wall clock', whole(MOST_SPEED), 8)
    .option('--processes <n>', 'of Onceline', whole(MOST_PROCESSES), 2)
    .option('--out <file>', 'where the report goes; JSON beside it')
  command.parse([...argv], { from: 'user' })
  const { out = null, ...options } = command.opts()
  return { ...(options as Omit<SimulationOptions, 'out'>), out }
}

function whole(most: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new InvalidArgumentError(`a whole number from 1 to ${most}`)
    return value
  }
}

function rate(text: string): number {
  const value = Number(/^(\d+(?:\.\d+)?)(?:\/min)?$/.exec(text)?.[1])
  if (!(value > 0) || value > MOST_REQUESTS)
    throw new InvalidArgumentError(`so many a minute, such as 40/min, at most ${MOST_REQUESTS}`)
  return value
}
