import { expect, it } from 'vitest'
import { manualClock } from '../../base/clock.ts'
import { DriverRoster } from './driver-roster.ts'

const WORK = { zoneId: 'cairo', category: 'economy' }
const at = (latitude: number) => ({ latitude, longitude: 31.2 })

it('a driver is where he said as he came online, though what he said before is stored late', () => {
  const clock = manualClock(0)
  const roster = new DriverRoster({
    clock,
    maxDrivers: 10,
    staleMs: 30_000,
    onFull: () => undefined,
    onRide: () => undefined,
    onLeft: () => undefined,
  })
  roster.online('d', { ...WORK, position: at(30) })
  roster.located('d', at(30.3), null, null)
  const [driver] = roster.all
  if (driver === undefined) throw new Error('nobody is here')
  const read = (latitude: number, ageMs: number) =>
    roster.apply(
      driver,
      driver.version,
      {
        ride: null,
        standing: {
          record: { isOnline: true, isSuspended: false, category: null },
          place: { ...WORK, position: at(latitude), ageMs },
        },
      },
      clock.monotonicMs(),
    )

  clock.advance(5_000)
  roster.gone('d')
  clock.advance(1_000)
  roster.online('d', { ...WORK, position: at(30.6) })
  clock.advance(1_000)
  read(30.3, 1_500)
  expect(driver.position).toEqual(at(30.6))
  read(30.9, 500)
  expect(driver.position).toEqual(at(30.9))
})
