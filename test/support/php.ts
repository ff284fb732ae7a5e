import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TEST_TOOLS } from '../../scripts/install-test-tool.ts'

/** How PHP's command line is started here: the program and the folders of its libraries. */
export interface Php {
  readonly program: string
  readonly libraryDirs: readonly string[]
}

export interface PhpRun {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What docs/laravel is written for. */
const OLDEST_VERSION_ID = 80_100

/** PHP 8.1 or newer: the machine's, else the one that `npm test` unpacked. Undefined where there is none. */
export function findPhp(): Php | undefined {
  const candidates = [{ program: 'php', libraryDirs: [] }, ...unpacked()]
  return candidates.find((php) => {
    const { stdout } = spawnSync(php.program, ['-n', '-r', 'echo PHP_VERSION_ID;'], {
      encoding: 'utf8',
      env: environmentOf(php),
    })
    return Number(stdout) >= OLDEST_VERSION_ID
  })
}

/** Runs a script without the machine's php.ini; warnings and notices go to stderr, where the tests expect nothing. */
export function runPhp(
  php: Php,
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<PhpRun> {
  const settings = ['-n', '-d', 'display_errors=stderr', '-d', 'error_reporting=-1']
  const child = spawn(php.program, [...settings, ...args], { env: { ...environmentOf(php), ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}

function unpacked(): Php[] {
  const bin = join(TEST_TOOLS.php.root, 'usr/bin')
  const name = existsSync(bin) ? readdirSync(bin).find((file) => /^php\d+\.\d+$/.test(file)) : undefined
  if (name === undefined) return []
  const parents = ['usr/lib', 'lib']
    .map((path) => join(TEST_TOOLS.php.root, path))
    .filter((dir) => existsSync(dir))
  const libraryDirs = parents.flatMap((parent) =>
    readdirSync(parent)
      .filter((dir) => dir.includes('-linux-gnu'))
      .map((dir) => join(parent, dir)),
  )
  return [{ program: join(bin, name), libraryDirs }]
}

function environmentOf({ libraryDirs }: Php): Record<string, string> {
  const path = { PATH: process.env.PATH ?? '' }
  return libraryDirs.length === 0 ? path : { ...path, LD_LIBRARY_PATH: libraryDirs.join(':') }
}
