import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MigrationError, migrate, readMigrations } from '../db/migrate.ts'
import { openDatabase } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { allTables, loadLaravelSchema, migration } from './support/migrations.ts'

const ADDED: Readonly<Record<string, readonly string[]>> = {
  trip_requests: [
    'active_driver_id',
    'one_active_trip_per_driver',
    'trips_by_zone_and_status',
    'trips_by_customer_and_status',
    'trips_by_driver_and_status',
  ],
  trip_status: ['trip_status_trip_request_id'],
  driver_details: ['driver_details_user_id', 'drivers_by_availability'],
  user_last_locations: ['user_last_locations_zone', 'user_last_locations_user'],
}
/** Beside the driver's ongoing ride of the fixture: a second ride, and what may overlap with them. */
const TWO_RIDES_OF_ONE_DRIVER = `INSERT INTO trip_requests (id, ref_id, estimated_fare, driver_id, type, current_status, deleted_at)
  SELECT id, '7', 1, '0b7a1d52-6a0f-4d3e-9c55-0a8f5c7f1a02', type, status, deleted FROM (
    SELECT 'second' AS id, 'ride_request' AS type, 'accepted' AS status, NULL AS deleted
    UNION ALL SELECT 'parcel', 'parcel', 'ongoing', NULL
    UNION ALL SELECT 'waits', 'ride_request', 'pending', NULL
    UNION ALL SELECT 'over', 'ride_request', 'completed', NULL
    UNION ALL SELECT 'deleted', 'ride_request', 'ongoing', '2026-11-02 00:00:00') AS trips`

let database: TestDatabase
const ours = await readMigrations()
const names = ours.map(({ name }) => name)

beforeEach(async () => {
  database = await testDatabase('migrate-shared', { migrated: false })
})
afterEach(() => database.drop())

describe('migrate', () => {
  it("adds to a shared database's Laravel tables just this, leaves their rows to the byte, and stores an event", async () => {
    await loadLaravelSchema(database.address)
    const before = await allTables(database.pool)
    expect(Object.keys(before)).toHaveLength(10)
    expect(await migrate(database.address)).toEqual({ applied: names, alreadyThere: 0 })
    const after = await allTables(database.pool)
    for (const [table, { definition, rows }] of Object.entries(before)) {
      expect(after[table]?.rows, table).toBe(rows)
      const [were, are] = [linesOf(definition), linesOf(after[table]?.definition ?? '')]
      expect(
        were.filter((line) => !are.includes(line)),
        table,
      ).toEqual([])
      expect(
        are.filter((line) => !were.includes(line)).map((line) => /^.*?`(\w+)`/.exec(line)?.[1]),
        table,
      ).toEqual(ADDED[table] ?? [])
    }
    const created = ours.filter(({ sql }) => /^CREATE TABLE (?!IF NOT EXISTS)/m.test(sql))
    expect(Object.keys(after)).toHaveLength(10 + created.length + 1)
    const pools = openDatabase(database.address, 1)
    const store = new GroupCommit({ pool: pools.ingest, onStored: () => undefined })
    expect(await store.store(capture({ eventId: 'evt_منى_😀' }))).toMatchObject({ kind: 'stored' })
    await pools.close()
  })

  it("keeps Laravel's models as they are: what is added is neither read by SELECT * nor asked for by INSERT", async () => {
    await loadLaravelSchema(database.address)
    await migrate(database.address)
    const [rows] = await database.pool.query<RowDataPacket[]>('SELECT * FROM trip_requests LIMIT 1')
    expect(Object.keys(rows[0] ?? {})).not.toContain('active_driver_id')
    await database.pool.query(
      "INSERT INTO trip_requests (id, ref_id, estimated_fare, type) VALUES ('t-1', '7', 1, 'ride_request')",
    )
    const values = [...Object.values(rows[0] ?? {})]
    values[0] = 't-2'
    await database.pool.query(`INSERT INTO trip_requests VALUES (${values.map(() => '?').join(', ')})`, [
      ...values.map((value, index) => (index === 3 ? null : value)),
    ])
  })

  it('refuses two rides of one driver, names them all, and changes nothing', async () => {
    await loadLaravelSchema(database.address)
    await database.pool.query(TWO_RIDES_OF_ONE_DRIVER)
    const before = await allTables(database.pool)
    const refused = await migrate(database.address).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(MigrationError)
    const { message } = refused as MigrationError
    expect(message).toContain('0033-one-active-trip-per-driver.sql')
    expect(message).toContain('nothing was changed')
    expect(message.match(/trip \S+/g)).toEqual(['trip 5b0e3a40-2d5f-4f52-8f3b-1f0c9b7b0001,', 'trip second,'])
    expect(await allTables(database.pool)).toEqual(before)
    await database.pool.query("UPDATE trip_requests SET current_status = 'cancelled' WHERE id = 'second'")
    expect((await migrate(database.address)).applied).toEqual(names)
  })

  it('refuses a table of a shared name that lacks columns, by their names, and changes nothing', async () => {
    await database.pool.query('CREATE TABLE trip_requests (id CHAR(36) PRIMARY KEY, type INT, driver_id INT)')
    const before = await allTables(database.pool)
    const refused = migrate(database.address)
    await expect(refused).rejects.toThrow(MigrationError)
    await expect(refused).rejects.toThrow(
      /0030-trip-requests.sql: .*trip_requests, lacks_column current_status/s,
    )
    expect(await allTables(database.pool)).toEqual(before)
  })

  it('adds what may stand already only where it does not, and says so of nothing else', async () => {
    const table = migration('0001-table.sql', 'CREATE TABLE there (id INT PRIMARY KEY, n INT, KEY by_n (n))')
    const key = 'ALTER TABLE there ADD KEY by_n (n)'
    const lenient = migration('0002-key.sql', `-- What it is.\n-- = may stand\n${key}`)
    expect((await migrate(database.address, [table, lenient])).applied).toHaveLength(2)
    await expect(migrate(database.address, [table, lenient, migration('0003-key.sql', key)])).rejects.toThrow(
      /^0003-key.sql: Duplicate key name/,
    )
    const misspelt = migration('0003-key.sql', `-- = may stand\n${key.replace('by_n (n)', 'by_m (m)')}`)
    await expect(migrate(database.address, [table, lenient, misspelt])).rejects.toThrow(/^0003-key.sql: /)
  })

  it('asks the checks of all pending files before it applies the first', async () => {
    const first = migration('0001-first.sql', 'CREATE TABLE first (id INT PRIMARY KEY)')
    const checked = (check: string) =>
      migration(
        '0002-checked.sql',
        `-- What it is.\n-- ? ${check}\nCREATE TABLE checked (id INT PRIMARY KEY)`,
      )
    await expect(
      migrate(database.address, [first, checked("SELECT 7 AS seat, 'taken' AS state")]),
    ).rejects.toThrow(/^0002-checked.sql: .*nothing was changed:\n {2}seat 7, state taken\n/s)
    await expect(migrate(database.address, [first, checked('SELECT nonsense')])).rejects.toThrow(
      /^0002-checked.sql: its check failed, and nothing was changed: /,
    )
    expect(Object.keys(await allTables(database.pool))).toEqual([])
    const passes = [first, checked('SELECT 1 FROM first')]
    expect((await migrate(database.address, passes)).applied).toHaveLength(2)
  })
})

/** A definition's lines, whatever stands after them. */
function linesOf(definition: string): string[] {
  return definition.split('\n').map((line) => line.replace(/,$/, ''))
}
