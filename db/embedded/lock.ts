import { createHash, randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { isSameProcess, type ProcessMark, processMark } from './processes.ts'

/** Held until released or until the process dies, however it dies. */
export interface FolderLock {
  release(): Promise<void>
}

/**
 * Takes a named lock of a folder, or returns undefined when a living process has it. On Linux it is an abstract socket:
 * the kernel frees it with its holder, so it cannot be stale. Elsewhere it is a file that names its holder.
 */
export async function tryLockFolder(folder: string, name: string): Promise<FolderLock | undefined> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return process.platform === 'linux' ? bindSocket(folder, name) : createFile(folder, name)
}

function bindSocket(folder: string, name: string): Promise<FolderLock | undefined> {
  // A socket's name is short, a path need not be.
  const digest = createHash('sha256')
    .update(`${name}\0${realpathSync(folder)}`)
    .digest('hex')
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    // `exclusive`: a worker of node:cluster would otherwise be handed a socket that its siblings share.
    server.listen({ path: `\0onceline-${digest}`, exclusive: true }, () => {
      resolve({ release: () => new Promise((done) => server.close(() => done())) })
    })
  })
}

async function createFile(folder: string, name: string): Promise<FolderLock | undefined> {
  const path = join(folder, `${name}.lock`)
  const own = join(folder, `${name}.lock.${randomUUID()}`)
  writeFileSync(own, JSON.stringify(processMark(process.pid)), { mode: 0o600 })
  try {
    // A second turn follows the removal of a dead holder's file.
    for (let turn = 0; turn < 2; turn++) {
      if (link(own, path)) return { release: async () => rmSync(path, { force: true }) }
      const holder = readMark(path)
      if (holder !== undefined && isSameProcess(holder)) return undefined
      renameSync(path, `${own}.stale`)
      rmSync(`${own}.stale`)
    }
    return undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

function link(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readMark(path: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessMark
  } catch {
    return undefined
  }
}
