import { describe, expect, it } from 'vitest'
import { durabilityDoubts } from './durability.ts'
import type { Pool } from './pools.ts'

const SAFE = {
  innodb_flush_log_at_trx_commit: '1',
  sync_binlog: '1',
  log_bin: 'ON',
  innodb_doublewrite: 'ON',
  version: '8.4.3',
}

/** The doubts about a server with these variables. */
function doubts(variables: Partial<typeof SAFE>): Promise<string[]> {
  const rows = Object.entries({ ...SAFE, ...variables }).map(([name, value]) => ({
    Variable_name: name,
    Value: value,
  }))
  return durabilityDoubts({ query: async () => [rows, []] } as unknown as Pick<Pool, 'query'>)
}

describe('a server', () => {
  it('that keeps what it commits is trusted', async () => {
    expect(await doubts({})).toEqual([])
    expect(await doubts({ log_bin: 'OFF', sync_binlog: '0' })).toEqual([])
  })

  it.each([
    [{ innodb_flush_log_at_trx_commit: '2' }, 'innodb_flush_log_at_trx_commit'],
    [{ sync_binlog: '0' }, 'sync_binlog'],
    [{ innodb_doublewrite: 'OFF' }, 'innodb_doublewrite'],
    // It notices a torn page and cannot mend it.
    [{ innodb_doublewrite: 'DETECT_ONLY' }, 'innodb_doublewrite'],
  ])('with %o is doubted', async (variables, name) => {
    expect(await doubts(variables)).toEqual([expect.stringContaining(name)])
  })

  it.each(['5.7.44', '5.7.44-log', '10.5.9-MariaDB', '10.2.44-MariaDB-log', '5.5.68-MariaDB'])(
    'of version %s is too old',
    async (version) => {
      expect(await doubts({ version })).toEqual([expect.stringContaining('SKIP LOCKED')])
    },
  )

  it.each([
    '8.0.36',
    '8.0.36-0ubuntu0.22.04.1',
    '9.7.0',
    '10.6.0-MariaDB',
    '10.11.19-MariaDB',
    '11.4.2-MariaDB',
  ])('of version %s is new enough', async (version) => {
    expect(await doubts({ version })).toEqual([])
  })
})
