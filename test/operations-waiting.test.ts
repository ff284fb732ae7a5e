import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { newId } from '../src/base/ids.ts'
import { claimKeyForLong } from '../src/idempotency/store.ts'
import { charge, chargeOperation } from './support/charge.ts'
import { useCharging } from './support/charging.ts'
import { waitForLockWait } from './support/locks.ts'
import { effectsAt } from './support/once-app.ts'
import { kindsOf, requestOf } from './support/once-requests.ts'
import { openSite } from './support/sites.ts'

const sites = useCharging('operations-waiting')

it('a key that another transaction holds for too long is in flight, and nobody is charged', async () => {
  const key = randomUUID()
  const holder = await hold(key)
  expect(await charge(sites.here.door, key)).toEqual({ kind: 'in_flight' })
  await holder.rollback()
  holder.release()
  expect(sites.provider.calls).toEqual([])
  expect(await charge(sites.here.door, key)).toMatchObject({ kind: 'executed' })
  expect(await effectsAt(sites.database.pool, key)).toEqual(['call-1'])
})

it('a key whose holder gives up in time is claimed by those who waited, once', async () => {
  const key = randomUUID()
  const holder = await hold(key)
  const patient = [0, 1].map(() =>
    openSite(sites.database.address, [chargeOperation(sites.provider.url)], { waitMs: 10_000 }),
  )
  const waiting = [...patient, ...patient].map((site) => charge(site.door, key))
  await waitForLockWait(sites.database.address)
  await holder.rollback()
  holder.release()
  expect(kindsOf(await Promise.all(waiting))).toEqual({ executed: 1, replayed: 3 })
  expect(sites.provider.calls).toHaveLength(1)
  await Promise.all(patient.map((site) => site.pool.end()))
})

/** A transaction that has claimed the key and does not end. */
async function hold(key: string) {
  const { key: recordKey, fingerprint } = requestOf(key)
  if (recordKey === null) return expect.fail('a request without a key')
  const connection = await sites.database.pool.getConnection()
  await connection.beginTransaction()
  await claimKeyForLong(connection, { claim: newId(), key: recordKey, fingerprint })
  return connection
}
