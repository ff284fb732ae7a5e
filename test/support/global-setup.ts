import type { TestProject } from 'vitest/node'
import { openDataHost } from '../../db/embedded/data-host.ts'
import { schemaText } from './schema-text.ts'

/** What every suite is told of the servers that this run started. */
export interface TestServers {
  readonly engine: 'mariadb' | 'mysql'
  readonly mysql: { host: string; port: number; user: string; password: string }
  readonly redis: { host: string; port: number; password: string }
}

declare module 'vitest' {
  export interface ProvidedContext {
    servers: TestServers
    /** See schema-text.ts. */
    schema: string
  }
}

/**
 * Starts one private MySQL-compatible server and one private Redis for the whole run; suites take a database each.
 * ONCELINE_TEST_DATA_DIR moves their folder, so that two runs need not share servers that the first to end would stop.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engine = process.env.ONCELINE_TEST_ENGINE === 'mysql' ? 'mysql' : 'mariadb'
  const dataDir = process.env.ONCELINE_TEST_DATA_DIR ?? `.data/test-${engine}`
  const host = await openDataHost({ dataDir, engine })
  project.provide('servers', { engine, mysql: host.mysql, redis: host.redis })
  project.provide('schema', await schemaText(host.mysql))
  return () => host.stop()
}
