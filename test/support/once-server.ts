import { afterAll, beforeAll } from 'vitest'
import { type Database, openDatabase } from '../../db/pools.ts'
import { createLogger } from '../../src/base/log.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from '../../src/http.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { createEffects, onceRoutes } from './once-app.ts'

/** A server with the routes of once-app.ts and one connection to its database. */
export interface OnceServer {
  readonly database: TestDatabase
  readonly pools: Database
  readonly app: ReturnType<typeof createHttpApp>
  readonly server: ReturnType<typeof createHttpServer>
  readonly url: string
}

/** Opens it for the whole file. Filled by beforeAll. */
export function useOnceServer(name: string): OnceServer {
  const served = {} as { -readonly [Part in keyof OnceServer]: OnceServer[Part] }
  beforeAll(async () => {
    served.database = await testDatabase(name)
    await createEffects(served.database.pool)
    served.pools = openDatabase(served.database.address, 1)
    served.app = createHttpApp([onceRoutes(served.pools.commands)], createLogger({ level: 'silent' }))
    served.server = createHttpServer(served.app)
    served.url = `http://127.0.0.1:${await listen(served.server, 0, '127.0.0.1')}`
  })
  afterAll(async () => {
    if (served.server) await stopListening(served.server, 1_000)
    await served.pools?.close()
    await served.database?.drop()
  })
  return served
}
