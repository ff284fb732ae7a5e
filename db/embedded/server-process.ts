import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerBinary } from './binaries.ts'
import { diesWithUs, STOP_TIMEOUT_MS } from './processes.ts'

/** A server did not come up; the message carries the end of its log. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError'
}

/** How to start a server. */
export interface ServerOrder {
  readonly name: string
  readonly binary: ServerBinary
  readonly args: readonly string[]
  /** The server's own folder; also how it is recognised after its owner was killed. */
  readonly workingDir: string
  /** Written anew at every start. */
  readonly logFile: string
  /** What the kernel sends the server when we die without having stopped it. */
  readonly deathSignal: 'TERM' | 'KILL'
  /** Fed to the server's standard input, where no other user can read it. */
  readonly input?: string
}

/** A server that is our child. */
export interface ServerProcess {
  readonly pid: number
  /** Resolves with the words for how it ended. */
  readonly ended: Promise<string>
  /** Ends it with this signal, and with SIGKILL when it has not ended within ten seconds. */
  end(signal: NodeJS.Signals): Promise<void>
}

const POLL_MS = 25
const LOG_TAIL_CHARS = 2_500
/** A server that could not have the port says so in its log and ends within this time. */
const GIVE_UP_MS = 1_000
/** Another program may take the free port in the moment before the server does. */
const PORT_ATTEMPTS = 5

/**
 * Starts a server in a session of its own, so that Ctrl-C in the terminal does not end it before we are done with it,
 * and asks the kernel to end it when we die. It does not keep this process alive.
 */
export function startServer(order: ServerOrder): ServerProcess {
  const log = openSync(order.logFile, 'w', 0o600)
  const [program, ...args] = commandLine(order)
  const child = spawn(program, args, {
    cwd: order.workingDir,
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: order.workingDir },
    stdio: [order.input === undefined ? 'ignore' : 'pipe', log, log],
  })
  closeSync(log)
  child.unref()
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with ${code}` : `was ended by ${signal}`),
    )
  })
  // A server that gives up early closes its input; how it ended is told by `ended`.
  child.stdin?.on('error', () => {})
  child.stdin?.end(order.input)
  return { pid: child.pid ?? 0, ended, end: (signal) => end(child, ended, signal) }
}

/**
 * Waits until `answers` says true. Throws ServerStartError with the log's end when the server ends or takes too long, or
 * when `answers` throws, because waiting longer would not help.
 */
export async function waitUntilAnswering(
  server: ServerProcess,
  order: ServerOrder,
  answers: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  let failure: string | undefined
  void server.ended.then((how) => {
    failure ??= how
  })
  const deadline = Date.now() + timeoutMs
  while (failure === undefined) {
    try {
      if (await answers()) return
    } catch (error) {
      await Promise.race([server.ended, sleep(GIVE_UP_MS)])
      failure ??= `refuses us: ${(error as Error).message}`
    }
    if (Date.now() > deadline) failure ??= `did not answer in ${timeoutMs} ms`
    await sleep(POLL_MS)
  }
  await server.end('SIGKILL')
  throw new ServerStartError(`${order.name} ${failure}\n${logTail(order.logFile)}`)
}

/** Runs `start` with a free loopback port, and again with another one when somebody else was quicker to take it. */
export async function withFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      const taken = error instanceof ServerStartError && /address already in use/i.test(error.message)
      if (!taken || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

/** The end of a server's log, for a message. */
export function logTail(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').slice(-LOG_TAIL_CHARS).trim() : ''
}

function commandLine({ binary, args, deathSignal }: ServerOrder): [string, ...string[]] {
  const [program, ...rest] = binary.command
  if (binary.libraryDirs.length === 0) return diesWithUs([program, ...rest, ...args], deathSignal)
  // `env` stands inside, so that only the server itself sees the unpacked libraries.
  const libraries = `LD_LIBRARY_PATH=${binary.libraryDirs.join(':')}`
  return diesWithUs(['/usr/bin/env', libraries, program, ...rest, ...args], deathSignal)
}

async function end(child: ChildProcess, ended: Promise<string>, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen({ host: '127.0.0.1', port: 0, exclusive: true }, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
