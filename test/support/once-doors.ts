import { afterAll, beforeAll } from 'vitest'
import { type Database, openDatabase } from '../../db/pools.ts'
import { Once } from '../../src/idempotency/once.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { createEffects } from './once-app.ts'

/** Two processes, as far as the database can tell, with one connection each. */
export interface OnceDoors {
  readonly database: TestDatabase
  readonly pools: Database
  readonly once: Once
  readonly elsewhere: Database
  readonly other: Once
}

/** Opens them for the whole file. Filled by beforeAll. */
export function useOnceDoors(name: string): OnceDoors {
  const doors = {} as { -readonly [Part in keyof OnceDoors]: OnceDoors[Part] }
  beforeAll(async () => {
    doors.database = await testDatabase(name)
    await createEffects(doors.database.pool)
    doors.pools = openDatabase(doors.database.address, 1)
    doors.elsewhere = openDatabase(doors.database.address, 1)
    doors.once = new Once({ pool: doors.pools.commands })
    doors.other = new Once({ pool: doors.elsewhere.commands })
  })
  afterAll(async () => {
    await doors.pools?.close()
    await doors.elsewhere?.close()
    await doors.database?.drop()
  })
  return doors
}
