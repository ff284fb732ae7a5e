import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The programs that tests start again and again. Node spends a second of processor time on finding and loading the five hundred
 * modules of one; linked into a few files they take a third of it. What is linked are the sources as they are: nothing is left
 * out or renamed, and every module still believes that it stands where it stood.
 *
 * src/main.ts is never linked: suites that start Onceline as an operator does, start its sources.
 */
const PROGRAMS = [
  'bin/onceline.js',
  'test/faults/crash-server.ts',
  'test/faults/key-server.ts',
  'test/fixtures/bridge-node.ts',
  'test/fixtures/callback-node.ts',
  'test/fixtures/presence-node.ts',
  'test/fixtures/store-deliveries.ts',
  'test/fixtures/append-feeds.ts',
  'test/fixtures/accept-trips.ts',
  'test/fixtures/bid-acts.ts',
  'test/fixtures/migrate-once.ts',
] as const
export type Program = (typeof PROGRAMS)[number]

const ROOT = resolve(import.meta.dirname, '../..')
/** Whatever the programs may be made of. */
const SOURCES = ['bin', 'db', 'src', 'test', 'package-lock.json']
const FOLDER = join(ROOT, '.data/linked')
const KEPT_MS = 24 * 3_600_000

/** A program to start in the place of the sources, and the environment in which it starts fastest. */
export interface Linked {
  readonly program: string
  readonly env: Readonly<Record<string, string>>
}

/** Links all of PROGRAMS unless these sources are linked already; two processes that do it at once do it twice. */
export async function linked(program: Program): Promise<Linked> {
  const folder = join(FOLDER, keyOfSources())
  if (!existsSync(folder)) await link(folder)
  return {
    program: join(folder, `${nameOf(program)}.js`),
    env: { NODE_COMPILE_CACHE: join(folder, 'compiled') },
  }
}

function nameOf(program: string): string {
  return basename(program).replace(/\.[jt]s$/, '')
}

/** Changes with every file that is written. */
function keyOfSources(): string {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    const path = join(ROOT, source)
    const names = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }) : ['']
    for (const name of names) {
      const { mtimeMs, size } = statSync(join(path, String(name)))
      hash.update(`${source}/${name} ${mtimeMs} ${size}\n`)
    }
  }
  return hash.digest('hex').slice(0, 16)
}

async function link(folder: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  forgetOld()
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    cwd: ROOT,
    input: Object.fromEntries(PROGRAMS.map((program) => [nameOf(program), program])),
    platform: 'node',
    treeshake: false,
    plugins: [{ name: 'stands where it stood', transform: whereItStood }],
  })
  const own = mkdtempSync(join(FOLDER, 'new-'))
  await build.write({ dir: own, format: 'esm', keepNames: true })
  await build.close()
  try {
    renameSync(own, folder)
  } catch (error) {
    // Another process was faster.
    rmSync(own, { recursive: true })
    if (!existsSync(folder)) throw error
  }
}

function whereItStood(code: string, id: string): string {
  return code
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
    .replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
}

/** Those of a day ago belong to no run any more. */
function forgetOld(): void {
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name)
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}
