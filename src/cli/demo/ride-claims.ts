import { once } from 'node:events'
import type { Claim, Finding } from './claims.ts'
import { Phone } from './phone.ts'
import type { Stage } from './stage.ts'

/** A whole ride: a rider, and two drivers on different nodes who want the same one. */
export const RIDE_CLAIMS: readonly Claim[] = [
  {
    title: 'A ride: two drivers accept at once on two nodes, one of which dies on the way',
    check: wholeRide,
  },
]

const WORKPLACE = { category: 'car', zoneId: 'cairo' }
const TAHRIR = { latitude: 30.0444, longitude: 31.2357 }
const AIRPORT = { latitude: 30.1219, longitude: 31.4056 }
const FARE_MINOR = 12_050

async function wholeRide(stage: Stage): Promise<Finding> {
  const rider = await Phone.open(stage, 'ride-rider', 'customer', ['node1', 'node2'])
  const drivers = [
    await Phone.open(stage, 'ride-driver-1', 'driver', ['node1', 'node2']),
    await Phone.open(stage, 'ride-driver-2', 'driver', ['node2', 'node1']),
  ]
  const phones = [rider, ...drivers]
  try {
    return await playRide(stage, rider, drivers)
  } finally {
    await Promise.all(phones.map((phone) => phone.close()))
  }
}

async function playRide(stage: Stage, rider: Phone, drivers: readonly Phone[]): Promise<Finding> {
  for (const driver of drivers) {
    await driver.send('driver:online', { ...TAHRIR, ...WORKPLACE })
    await driver.send('driver:location', TAHRIR)
  }
  const rideId = await request(rider)
  const startedMs = performance.now()
  const areAsked = await stage.until(async () => drivers.every((driver) => offerOf(driver, rideId) !== null))
  if (!areAsked) return { holds: false, seen: 'the drivers were not asked' }
  const askedMs = Math.round(performance.now() - startedMs)
  const answers = await Promise.all(drivers.map((driver) => accept(driver, rideId)))
  const winner = drivers.find((_, index) => typeof answers[index] === 'object')
  const refusals = answers.filter((answer) => typeof answer === 'string')
  if (winner === undefined) return { holds: false, seen: `nobody got it: ${refusals.join(', ')}` }
  const victim = winner.node
  await kill(stage, victim)
  const isDriven = await drive(stage, rider, winner, rideId)
  const survivor = victim === 'node1' ? 'node2' : 'node1'
  const paymentId = await pay(stage, rideId, { rider, winner }, survivor)
  const arePaid = await stage.until(async () => [rider, winner].every((phone) => phone.sees(paymentId)))
  await stage.start(victim)
  const rows = await stage.ask('SELECT driver_id, current_status FROM trip_requests WHERE id = ?', [rideId])
  const isRight = rows[0]?.driver_id === winner.userId && rows[0]?.current_status === 'completed'
  return {
    holds: refusals.length === 1 && isDriven && arePaid && isRight,
    seen:
      `both asked after ${askedMs} ms, ${winner.userId} won, the other was told ${refusals[0]}; ${victim} killed, ` +
      `the ride went on by ${winner.node}; ${arePaid ? 'both saw' : 'not both saw'} payment:completed`,
  }
}

async function request(rider: Phone): Promise<string> {
  const asked = await rider.send('ride:request', {
    ...WORKPLACE,
    pickup: TAHRIR,
    destination: AIRPORT,
    estimatedFareMinor: FARE_MINOR,
    currency: 'EGP',
    policy: 'broadcast',
  })
  if (typeof asked === 'string') throw new Error(`the ride was refused: ${asked}`)
  return String(asked.rideId)
}

function offerOf(driver: Phone, rideId: string): string | null {
  const told = driver.last('ride:new')
  return told?.rideId === rideId ? String(told.offerId) : null
}

function accept(driver: Phone, rideId: string) {
  return driver.send('driver:accept:ride', { rideId, offerId: offerOf(driver, rideId) ?? '' })
}

async function kill(stage: Stage, name: string): Promise<void> {
  const { process: child } = stage.node(name)
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** The phones find the other node by themselves, and go on; the rider tells his driver the code. */
async function drive(stage: Stage, rider: Phone, driver: Phone, rideId: string): Promise<boolean> {
  await driver.send('driver:arrived', { rideId })
  const isTold = await stage.until(async () => rider.last('ride:driver_details')?.rideId === rideId)
  const otp = String(rider.last('ride:driver_details')?.otp ?? '')
  const started = await driver.send('ride:start', { rideId, otp })
  const completed = await driver.send('ride:complete', { rideId })
  const isSeen = await stage.until(async () => rider.last('ride:completed')?.rideId === rideId)
  return isTold && typeof started === 'object' && typeof completed === 'object' && isSeen
}

/** The rider pays by Kashier, whose webhook comes to the node that lives. */
async function pay(
  stage: Stage,
  rideId: string,
  { rider, winner }: { readonly rider: Phone; readonly winner: Phone },
  node: string,
): Promise<string> {
  const ref = 'DEMO-ride'
  const amountMinor = BigInt(FARE_MINOR)
  const parties = { customerId: rider.userId, driverId: winner.userId, tripId: rideId }
  const paymentId = await stage.expect('kashier', ref, amountMinor, parties)
  const spec = { kind: 'captured', merchantRef: ref, operationRef: `OP-${ref}`, amountMinor } as const
  await stage.post(stage.node(node), stage.sign('kashier', spec))
  return paymentId
}
