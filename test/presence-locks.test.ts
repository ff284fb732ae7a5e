import { expect, it } from 'vitest'
import { waitForLockWait } from './support/locks.ts'
import { presenceScene } from './support/presence-scene.ts'

const scene = presenceScene('presence-locks')

it('a driver whose row somebody holds keeps his process waiting for him, and not its lease', async () => {
  const { a, database } = scene
  await a.presence.opened('d-1')
  const somebody = await database.pool.getConnection()
  await somebody.query('START TRANSACTION')
  await somebody.query("SELECT 1 FROM driver_sessions WHERE user_id = 'd-1' FOR UPDATE")
  const opening = a.presence.opened('d-1')
  await waitForLockWait(database.address, 'INSERT INTO driver_sessions')
  await a.presence.renew()
  await somebody.query('ROLLBACK')
  somebody.release()
  expect(await opening).toBe(2)
  expect(await scene.session('d-1')).toMatchObject({ fence: 2, state: 'connected' })
})

it('nor does a driver who is said to be here again', async () => {
  const { a, database } = scene
  await a.presence.opened('d-1')
  await database.pool.query("UPDATE driver_sessions SET state = 'disconnected' WHERE user_id = 'd-1'")
  const somebody = await database.pool.getConnection()
  await somebody.query('START TRANSACTION')
  await somebody.query("SELECT 1 FROM driver_sessions WHERE user_id = 'd-1' FOR UPDATE")
  const checking = a.presence.check()
  await waitForLockWait(database.address, 'UPDATE driver_sessions')
  await a.presence.renew()
  await somebody.query('ROLLBACK')
  somebody.release()
  await checking
  expect(await scene.stateOf('d-1')).toBe('connected')
})
