import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Names one process for ever: a pid alone is given away again. */
export interface ProcessMark {
  readonly pid: number
  /** When it was started, in the words of the system; never parsed, only compared. */
  readonly started: string
}

/** How long a server may take to close its files before it is killed; a durable server loses nothing by that. */
export const STOP_TIMEOUT_MS = 10_000
/**
 * Less for servers whose owner was killed: a MariaDB that is asked to end while it starts hangs for ever (10.11 did so in
 * one of four tries), and there is nothing to lose.
 */
const ORPHAN_TIMEOUT_MS = 3_000
const POLL_MS = 20
/** The folders below a data folder in which servers run; `.tmp` while a database is being initialised. */
const SERVER_FOLDERS = ['mariadb', 'mysql', 'redis', 'mariadb.tmp', 'mysql.tmp']
const SERVER_NAME = /mariadbd|mysqld|redis-server|redis-check-rdb/

/** The mark of a living process; `started` is empty when there is none. */
export function processMark(pid: number): ProcessMark {
  return { pid, started: startOf(pid) }
}

/** Whether the marked process still lives. */
export function isSameProcess(mark: ProcessMark): boolean {
  return mark.started !== '' && startOf(mark.pid) === mark.started
}

/**
 * Ends the servers that a killed owner left in this data folder: asks first, kills after three seconds, and returns when
 * none is left. A server is known by its working folder and its command line, so no stranger is ever ended.
 */
export async function endOrphans(dataDir: string, log: (line: string) => void): Promise<void> {
  const deadline = Date.now() + ORPHAN_TIMEOUT_MS
  let told = false
  for (let pids = orphansOf(dataDir); pids.length > 0; pids = orphansOf(dataDir)) {
    if (!told) log(`ending servers of an earlier run (pid ${pids.join(', ')})`)
    const signal = Date.now() > deadline ? 'SIGKILL' : 'SIGTERM'
    if (!told || signal === 'SIGKILL') for (const pid of pids) signalQuietly(pid, signal)
    told = true
    await sleep(POLL_MS)
  }
}

/**
 * Wraps a command so that the kernel sends it this signal when the thread that starts it ends, however that comes;
 * returns it unchanged where that cannot be had (setpriv is of util-linux; busybox has one that does not know the option).
 */
export function diesWithUs(
  command: readonly [string, ...string[]],
  signal: 'TERM' | 'KILL',
): [string, ...string[]] {
  knowsDeathSignal ??= spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0
  return knowsDeathSignal ? ['setpriv', '--pdeathsig', signal, ...command] : [...command]
}

let knowsDeathSignal: boolean | undefined

/** Sends a signal to a process that may be gone already. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function orphansOf(dataDir: string): number[] {
  const folders = SERVER_FOLDERS.map((name) => join(realpathSync(dataDir), name))
  return process.platform === 'linux' ? linuxOrphans(folders) : otherOrphans(folders)
}

/** Every server is started with its own folder as its working folder, so this holds from its first moment on. */
function linuxOrphans(folders: readonly string[]): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const workingFolder = readlinkSync(`/proc/${name}/cwd`).replace(/ \(deleted\)$/, '')
      if (!folders.includes(workingFolder)) return []
      return SERVER_NAME.test(readFileSync(`/proc/${name}/cmdline`, 'utf8')) ? [Number(name)] : []
    } catch {
      // Another user's process, or one that has just ended.
      return []
    }
  })
}

/** Without /proc the command lines have to do: both servers' name a file or folder in their own folder. */
function otherOrphans(folders: readonly string[]): number[] {
  const lines = execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' }).split('\n')
  const own = lines.filter(
    (line) => folders.some((folder) => line.includes(`${folder}/`)) && SERVER_NAME.test(line),
  )
  return own.map((line) => Number.parseInt(line, 10))
}

function startOf(pid: number): string {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        stdio: 'pipe',
      }).trim()
    }
    // The 22nd field of /proc/<pid>/stat; the second is a name in brackets that may contain blanks (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
