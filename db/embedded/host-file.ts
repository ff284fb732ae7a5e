import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from './binaries.ts'
import type { ProcessMark } from './processes.ts'

/** What the owner of a data folder tells the other processes that open it. */
export interface HostFile {
  readonly owner: ProcessMark
  readonly startedAt: string
  readonly engine: Engine
  readonly mysql: {
    readonly port: number
    readonly user: string
    readonly password: string
    readonly pid: number
  }
  readonly redis: { readonly port: number; readonly password: string; readonly pid: number }
}

/** 144 bits; letters and digits only, since it stands in SQL, in a configuration file and perhaps in a URL. */
const PASSWORD_BYTES = 18

/** Written last, whole, and readable by its owner alone: who sees it may log in. */
export function writeHostFile(dataDir: string, content: HostFile): void {
  writePrivate(pathOf(dataDir), `${JSON.stringify(content, null, 2)}\n`)
}

/** The host file, or undefined when there is none. It may be stale: see whether its owner lives. */
export function readHostFile(dataDir: string): HostFile | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(dataDir), 'utf8')) as HostFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

export function removeHostFile(dataDir: string): void {
  rmSync(pathOf(dataDir), { force: true })
}

/** A server's password: made at the first start, then the same for ever, for the data files remember it. */
export function passwordOf(dataDir: string, server: Engine | 'redis'): string {
  const dir = join(dataDir, 'passwords')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  try {
    return readFileSync(join(dir, server), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const password = randomBytes(PASSWORD_BYTES).toString('hex')
  writePrivate(join(dir, server), `${password}\n`)
  return password
}

function pathOf(dataDir: string): string {
  return join(dataDir, 'host.json')
}

function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}
