import { once } from 'node:events'
import type { Claim, Finding } from './claims.ts'
import { Phone } from './phone.ts'
import type { Stage } from './stage.ts'

/** The live part: a rider's and a driver's phone, each on a node of its own. */
export const LIVE_CLAIMS: readonly Claim[] = [
  { title: 'Rider and driver, on different nodes, see a payment captured', check: seenByBoth },
  {
    title: 'A node killed with kill -9: its phone comes back on the other and misses nothing',
    check: resumed,
  },
]

const RIDER = 'demo-rider'
const DRIVER = 'demo-driver'

async function seenByBoth(stage: Stage): Promise<Finding> {
  const phones = await openPhones(stage)
  const startedMs = performance.now()
  const paymentId = await capture(stage, 'DEMO-live', 'node1')
  const areTold = await stage.until(async () => phones.all.every((phone) => phone.sees(paymentId)))
  const tookMs = Math.round(performance.now() - startedMs)
  await closePhones(phones)
  const { rider, driver } = phones
  return {
    holds: areTold && rider.node !== driver.node && rider.hasShown(2) && driver.hasShown(2),
    seen: `rider on ${rider.node}, driver on ${driver.node}: payment:completed on both screens after ${tookMs} ms`,
  }
}

/** While the rider's node is dead more payments are captured; his phone finds them on the other node. */
async function resumed(stage: Stage): Promise<Finding> {
  const phones = await openPhones(stage)
  const { rider, driver } = phones
  const first = await capture(stage, 'DEMO-live-1', 'node2')
  await stage.until(async () => rider.sees(first))
  const victim = stage.node('node1')
  const exited = once(victim.process, 'exit')
  victim.process.kill('SIGKILL')
  await exited
  const missed = [await capture(stage, 'DEMO-live-2', 'node2'), await capture(stage, 'DEMO-live-3', 'node2')]
  const areTold = await stage.until(async () =>
    missed.every((paymentId) => rider.sees(paymentId) && driver.sees(paymentId)),
  )
  const wentTo = rider.node
  await stage.start('node1')
  await closePhones(phones)
  return {
    holds: areTold && wentTo === 'node2' && rider.hasShown(6) && driver.hasShown(6),
    seen: `the rider's phone went to ${wentTo}; both saw ${rider.shown.length} messages, each once and in order`,
  }
}

interface Phones {
  readonly rider: Phone
  readonly driver: Phone
  readonly all: readonly Phone[]
}

async function openPhones(stage: Stage): Promise<Phones> {
  const rider = await Phone.open(stage, RIDER, 'customer', ['node1', 'node2'])
  const driver = await Phone.open(stage, DRIVER, 'driver', ['node2', 'node1'])
  return { rider, driver, all: [rider, driver] }
}

async function closePhones({ all }: Phones): Promise<void> {
  await Promise.all(all.map((phone) => phone.close()))
}

/** A payment of the two is expected, and its webhook comes to this node. Returns its id. */
async function capture(stage: Stage, ref: string, node: string): Promise<string> {
  const parties = { customerId: RIDER, driverId: DRIVER }
  const paymentId = await stage.expect('kashier', ref, 12_000n, parties)
  const spec = {
    kind: 'captured',
    merchantRef: ref,
    operationRef: `OP-${ref}`,
    amountMinor: 12_000n,
  } as const
  await stage.post(stage.node(node), stage.sign('kashier', spec))
  return paymentId
}
