import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import type { DatabaseBinary } from './binaries.ts'
import { ensureDataFiles } from './mysql-files.ts'
import { DEATH_SIGNAL, servingArgs } from './mysql-options.ts'
import {
  type ServerOrder,
  type ServerProcess,
  startServer,
  waitUntilAnswering,
  withFreePort,
} from './server-process.ts'

/** A running private MariaDB or MySQL. */
export interface MysqlServer {
  readonly port: number
  readonly process: ServerProcess
}

/** Recovery after a crash reads the whole redo log; a healthy start takes about a second. */
const START_TIMEOUT_MS = 60_000
const LOGIN_TIMEOUT_MS = 2_000

/** Initialises the data files when there are none, starts the server on a free port and resolves when root can log in. */
export async function startMysql(
  binary: DatabaseBinary,
  dataDir: string,
  password: string,
  bufferPoolMb: number,
): Promise<MysqlServer> {
  const filesDir = join(dataDir, binary.engine)
  await ensureDataFiles(binary, filesDir, password)
  return withFreePort(async (port) => {
    const order: ServerOrder = {
      name: binary.engine === 'mariadb' ? 'MariaDB' : 'MySQL',
      binary,
      args: servingArgs(binary, { filesDir, port, bufferPoolMb }),
      workingDir: filesDir,
      deathSignal: DEATH_SIGNAL,
      logFile: join(dataDir, `${binary.engine}.log`),
    }
    const server = startServer(order)
    await waitUntilAnswering(server, order, () => canLogIn(port, password), START_TIMEOUT_MS)
    return { port, process: server }
  })
}

/** False while the server is not there yet; throws when it is there and does not know the password. */
async function canLogIn(port: number, password: string): Promise<boolean> {
  try {
    const where = { host: '127.0.0.1', port, user: 'root', password, connectTimeout: LOGIN_TIMEOUT_MS }
    const connection = await createConnection(where)
    await connection.query('SELECT 1')
    await connection.end()
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== 'ER_ACCESS_DENIED_ERROR') return false
    throw new Error(
      `the data files and the password file beside them do not belong together (${String(error)})`,
    )
  }
}
