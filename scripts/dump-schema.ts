// Writes db/schema.sql: what db/migrations make of an empty database on MariaDB.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { openDataHost } from '../db/embedded/data-host.ts'
import { migrate } from '../db/migrate.ts'
import { openPool } from '../db/pools.ts'
import { describeSchema } from '../db/schema.ts'

const FILE = fileURLToPath(new URL('../db/schema.sql', import.meta.url))
const DATA_DIR = fileURLToPath(new URL('../.data/schema', import.meta.url))
const DATABASE = 'onceline_schema'

const host = await openDataHost({ dataDir: DATA_DIR, engine: 'mariadb' })
const pool = openPool({ ...host.mysql, database: '' }, { connectionLimit: 1, lockWaitSeconds: 5 })
try {
  await pool.query(`DROP DATABASE IF EXISTS ${DATABASE}`)
  await pool.query(`CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  await pool.query(`USE ${DATABASE}`)
  await migrate({ ...host.mysql, database: DATABASE })
  await writeFile(FILE, await describeSchema(pool))
  console.log(`wrote ${FILE}`)
} finally {
  await pool.end()
  await host.stop()
}
