import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { DataHost } from '../../db/embedded/data-host.ts'

/** Opens the data host, says what it got, and stops it when its standard input ends. */
const PROGRAM = `
import { openDataHost } from ${JSON.stringify(resolve(import.meta.dirname, '../../db/embedded/data-host.ts'))}
const host = await openDataHost({ dataDir: process.argv[1], engine: process.argv[2] })
const { owned, engine, mysql, redis, mysqlPid, redisPid } = host
console.log(JSON.stringify({ owned, engine, mysql, redis, mysqlPid, redisPid }))
process.stdin.on('end', () => host.stop()).resume()
`

/** What another process says of the data host it opened. */
export type OpenedHost = Pick<DataHost, 'owned' | 'engine' | 'mysql' | 'redis' | 'mysqlPid' | 'redisPid'>

const openers = new Set<ChildProcess>()

/** Starts a process that opens the data host; `firstLine` is what it says when it has, and rejects when it ends before. */
export function startOpener(
  dataDir: string,
  engine: string,
): { child: ChildProcess; firstLine: Promise<string> } {
  const args = ['--input-type=module', '--eval', PROGRAM, dataDir, engine]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  openers.add(child)
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk
  })
  const firstLine = new Promise<string>((done, failed) => {
    createInterface(child.stdout).once('line', done)
    child.once('close', (code, signal) =>
      failed(new Error(`the opener ended with ${code ?? signal}: ${complaint}`)),
    )
  })
  firstLine.catch(() => {})
  return { child, firstLine }
}

/** Starts such a process and waits until it has opened the data host. */
export async function spawnOpener(
  dataDir: string,
  engine: string,
): Promise<{ child: ChildProcess; host: OpenedHost }> {
  const { child, firstLine } = startOpener(dataDir, engine)
  return { child, host: JSON.parse(await firstLine) as OpenedHost }
}

/** Lets the process stop its data host and end. */
export async function endOpener(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.stdin?.end()
  const [code, signal] = await closed
  if (code !== 0) throw new Error(`the opener ended with ${code ?? signal}`)
}

/** Kills every such process that still runs, without a chance to clean up. */
export function killOpeners(): void {
  for (const opener of openers) opener.kill('SIGKILL')
  openers.clear()
}
