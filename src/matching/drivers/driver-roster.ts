import type { Clock } from '../../base/clock.ts'
import type { DriverReading } from './driver-reader.ts'
import type { Workplace } from './geo-index.ts'
import { LiveDriver, type Pulse, type Standing } from './live-driver.ts'
import type { Position } from './nearby.ts'
import type { ActiveRide } from './ride-store.ts'
import type { StoredPlace } from './standing-store.ts'

export interface RosterOptions {
  readonly clock: Clock
  readonly maxDrivers: number
  /** A stored position that is older tells nothing any more. Milliseconds. */
  readonly staleMs: number
  /** A driver is one too many. */
  readonly onFull: () => void
  /** Where a driver of a ride is was heard, or was heard a moment before it was known that he is on one. */
  readonly onRide: (driver: LiveDriver, ride: ActiveRide) => void
  /** A driver waits no more; he has not changed yet. */
  readonly onLeft: (driver: LiveDriver) => void
}

/** Drivers who leave the index, of one workplace. */
export type Leaving = readonly [workplace: Workplace, driverIds: readonly string[]]

/**
 * The drivers whose sockets are on this process, as far as this process knows. Nothing here asks anybody: whom the database has to be asked
 * for, and who has to leave the index, is noted for whoever does that.
 */
export class DriverRoster {
  readonly #options: RosterOptions
  readonly #drivers = new Map<string, LiveDriver>()
  /** Whom the database has to be asked for soon. */
  readonly unread = new Set<LiveDriver>()
  readonly #leaving: [driverId: string, from: Workplace][] = []

  constructor(options: RosterOptions) {
    this.#options = options
  }

  get all(): Iterable<LiveDriver> {
    return this.#drivers.values()
  }

  counts(): Record<Standing, number> {
    const counts = { unread: 0, off: 0, free: 0, riding: 0 }
    for (const { standing } of this.#drivers.values()) counts[standing] += 1
    return counts
  }

  connected(driverId: string, fence: number, pulse: Pulse): void {
    const driver = this.#known(driverId)
    if (driver === null) return
    driver.fence = fence
    driver.pulse = pulse
    pulse.isAwaited = driver.standing === 'free'
    this.#toRead(driver)
  }

  /** False: he has a newer socket here, or none was his. */
  left(driverId: string, fence: number): boolean {
    const driver = this.#drivers.get(driverId)
    if (driver === undefined || driver.fence !== fence) return false
    this.forget(driver)
    return true
  }

  forget(driver: LiveDriver): void {
    this.#become(driver, 'off')
    this.#drivers.delete(driver.id)
    this.unread.delete(driver)
  }

  online(
    driverId: string,
    { zoneId, category, position }: Workplace & { readonly position: Position },
  ): void {
    const driver = this.#known(driverId)
    if (driver === null) return
    driver.version += 1
    driver.works = true
    driver.toldAtMs = this.#options.clock.monotonicMs()
    driver.standingReadAtMs = driver.toldAtMs
    driver.rideReadAtMs = driver.toldAtMs
    this.unread.delete(driver)
    driver.position = position
    driver.locatedAtMs = driver.toldAtMs
    driver.hasMoved = true
    this.#place(driver, { zoneId, category })
    this.#become(driver, driver.ride === null ? 'free' : 'riding')
  }

  gone(driverId: string): void {
    const driver = this.#drivers.get(driverId)
    if (driver === undefined) return
    this.#become(driver, 'unread')
    this.#toRead(driver)
  }

  look(driverId: string): void {
    const driver = this.#drivers.get(driverId)
    if (driver !== undefined) this.#toRead(driver)
  }

  heard(driverId: string, atMs: number): void {
    const driver = this.#drivers.get(driverId)
    if (driver !== undefined) driver.toldAtMs = Math.max(driver.toldAtMs, atMs)
  }

  located(driverId: string, position: Position, speed: number | null, heading: number | null): void {
    const driver = this.#drivers.get(driverId)
    if (driver === undefined) return
    driver.position = position
    driver.speed = speed
    driver.heading = heading
    driver.hasMoved = true
    driver.locatedAtMs = this.#options.clock.monotonicMs()
    driver.toldAtMs = driver.locatedAtMs
    if (driver.ride !== null) this.#options.onRide(driver, driver.ride)
  }

  /** What the database said of a driver as he was at this version; something newer is known otherwise, and he is asked for again. */
  apply(driver: LiveDriver, version: number, { ride, standing }: DriverReading, nowMs: number): void {
    if (this.#drivers.get(driver.id) !== driver) return
    if (driver.version !== version) {
      this.unread.add(driver)
      return
    }
    const isNews = ride !== null && ride.rideId !== driver.ride?.rideId
    driver.ride = ride
    driver.rideReadAtMs = nowMs
    if (isNews && this.#options.clock.monotonicMs() - driver.locatedAtMs <= this.#options.staleMs)
      this.#options.onRide(driver, ride)
    if (standing !== undefined) {
      const { record, place } = standing
      driver.standingReadAtMs = nowMs
      driver.works = place !== null && record?.isOnline === true && !record.isSuspended
      if (place !== null) this.#place(driver, { ...place, category: record?.category ?? place.category })
      if (place !== null) this.#takePosition(driver, place, nowMs)
    }
    if (driver.workplace === null && ride?.workplace) this.#place(driver, ride.workplace)
    if (driver.standing === 'unread' && standing === undefined) return
    this.#become(driver, ride === null ? (driver.works ? 'free' : 'off') : 'riding')
  }

  /** Where he was as he came online, or as he was stored by whoever had him, unless he has said something newer here. */
  #takePosition(driver: LiveDriver, { position, ageMs }: StoredPlace, nowMs: number): void {
    if (ageMs > this.#options.staleMs || nowMs - ageMs <= driver.locatedAtMs) return
    driver.position = position
    driver.hasMoved = true
  }

  /** Those who have to leave the index since this was asked last. */
  takeLeaving(): Leaving[] {
    const groups = new Map<string, [Workplace, string[]]>()
    for (const [driverId, from] of this.#leaving.splice(0)) {
      const name = `${from.category} ${from.zoneId}`
      const group = groups.get(name) ?? [from, []]
      group[1].push(driverId)
      groups.set(name, group)
    }
    return [...groups.values()]
  }

  /** Null: there is no room for another one. */
  #known(driverId: string): LiveDriver | null {
    const known = this.#drivers.get(driverId)
    if (known !== undefined) return known
    if (this.#drivers.size >= this.#options.maxDrivers) {
      this.#options.onFull()
      return null
    }
    const driver = new LiveDriver(driverId)
    this.#drivers.set(driverId, driver)
    return driver
  }

  #toRead(driver: LiveDriver): void {
    driver.version += 1
    this.unread.add(driver)
  }

  #place(driver: LiveDriver, { zoneId, category }: Workplace): void {
    const { workplace } = driver
    if (workplace?.zoneId === zoneId && workplace.category === category) return
    if (workplace !== null && driver.standing === 'free') this.#leaving.push([driver.id, workplace])
    driver.workplace = { zoneId, category }
    driver.forgetAdded()
    driver.storedAtMs = Number.NEGATIVE_INFINITY
  }

  #become(driver: LiveDriver, standing: Standing): void {
    if (driver.standing === standing) return
    if (driver.standing === 'free' && driver.workplace !== null) {
      this.#options.onLeft(driver)
      this.#leaving.push([driver.id, driver.workplace])
    }
    driver.standing = standing
    driver.forgetAdded()
    driver.storedAtMs = Number.NEGATIVE_INFINITY
    if (driver.pulse !== null) driver.pulse.isAwaited = standing === 'free'
  }
}
