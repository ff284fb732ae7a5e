import { afterAll, beforeAll, beforeEach } from 'vitest'
import { chargeOperation } from './charge.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { createEffects } from './once-app.ts'
import { Provider } from './provider.ts'
import { openSite, type Site } from './sites.ts'

/** Two processes, as far as the database can tell, that charge at one provider. */
export interface Charging {
  readonly database: TestDatabase
  readonly provider: Provider
  readonly here: Site
  readonly there: Site
}

/** Opens them for the whole file; before each test no work is unfinished, and the provider answers at once. Filled by beforeAll. */
export function useCharging(name: string): Charging {
  const charging = {} as { -readonly [Part in keyof Charging]: Charging[Part] }
  beforeAll(async () => {
    charging.database = await testDatabase(name)
    await createEffects(charging.database.pool)
    charging.provider = await Provider.open()
    charging.here = openSite(charging.database.address, [chargeOperation(charging.provider.url)])
    charging.there = openSite(charging.database.address, [chargeOperation(charging.provider.url)])
  })
  afterAll(async () => {
    await charging.here?.pool.end()
    await charging.there?.pool.end()
    await charging.provider?.close()
    await charging.database?.drop()
  })
  beforeEach(async () => {
    charging.provider.reset()
    await charging.database.pool.query('DELETE FROM idempotency_operations')
  })
  return charging
}
