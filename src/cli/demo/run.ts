import { join } from 'node:path'
import { CLAIMS, type Finding } from './claims.ts'
import { LIVE_CLAIMS } from './live-claims.ts'
import { RIDE_CLAIMS } from './ride-claims.ts'
import { Stage } from './stage.ts'

export interface DemoOptions {
  readonly dataDir: string
  readonly json: boolean
}

interface Told extends Finding {
  readonly title: string
  readonly durationMs: number
}

/** Plays the story and prints a line a claim. Returns 0 only if every claim holds. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const paint = painter(options.json)
  const startedMs = performance.now()
  if (!options.json) console.log('\nOnceline demo: two nodes, one private database, one private Redis\n')
  const stage = await Stage.open(join(options.dataDir, 'demo'))
  const told: Told[] = []
  try {
    await Promise.all([stage.start('node1'), stage.start('node2')])
    for (const { title, check } of [...CLAIMS, ...LIVE_CLAIMS, ...RIDE_CLAIMS]) {
      const claimMs = performance.now()
      const finding = await check(stage).catch((error: unknown) => ({ holds: false, seen: String(error) }))
      const line = { title, ...finding, durationMs: Math.round(performance.now() - claimMs) }
      told.push(line)
      if (!options.json) console.log(row(line, paint))
    }
  } finally {
    await stage.close()
  }
  const holds = told.every((claim) => claim.holds)
  const seconds = (performance.now() - startedMs) / 1_000
  if (options.json) console.log(JSON.stringify({ holds, seconds, claims: told }))
  else
    console.log(
      `\n${told.filter((claim) => claim.holds).length} of ${told.length} claims hold, in ${seconds.toFixed(1)} s\n`,
    )
  return holds ? 0 : 1
}

type Paint = (colour: 'green' | 'red' | 'dim', text: string) => string

const CODES = { green: 32, red: 31, dim: 2 } as const
const TITLE_WIDTH = 76

function row({ title, holds, seen, durationMs }: Told, paint: Paint): string {
  const mark = holds ? paint('green', '✔') : paint('red', '✘')
  return `${mark} ${title.padEnd(TITLE_WIDTH)} ${paint('dim', `${String(durationMs).padStart(5)} ms`)}\n    ${paint('dim', seen)}`
}

/** Colours for people at a terminal only. */
function painter(json: boolean): Paint {
  const isColoured = !json && process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  return (colour, text) => (isColoured ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text)
}
