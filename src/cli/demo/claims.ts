import { once } from 'node:events'
import type { SampleDelivery } from '../../webhooks/gateways/samples/samples.ts'
import { capturedAmong, outcomesOf, reaches, stateOf, summary, transitionsOf } from './questions.ts'
import type { Stage } from './stage.ts'

/** What a claim found: does it hold, and what was seen. */
export interface Finding {
  readonly holds: boolean
  readonly seen: string
}

export interface Claim {
  readonly title: string
  readonly check: (stage: Stage) => Promise<Finding>
}

/** The story of the demo, in order. Each claim uses payments of its own. */
export const CLAIMS: readonly Claim[] = [
  { title: 'A Kashier payment is captured', check: (stage) => captured(stage, 'kashier', 'node1') },
  {
    title: 'A Stripe payment is captured, on the other node',
    check: (stage) => captured(stage, 'stripe', 'node2'),
  },
  { title: 'One delivery 100 times at once over both nodes: one effect', check: hundredTimes },
  { title: 'A forged delivery is refused and leaves no trace', check: forged },
  { title: 'A refund before its capture, a failure after it: the order does not matter', check: outOfOrder },
  { title: 'The same event id with another amount is quarantined', check: otherAmount },
  { title: 'A re-serialised copy is a duplicate', check: reserialised },
  { title: 'A webhook before its payment is parked, then matched', check: parkedThenMatched },
  { title: 'Redis killed: webhooks are acknowledged and processed all the same', check: redisKilled },
  { title: 'A node killed with kill -9 in the middle of an event: the other finishes it', check: nodeKilled },
  { title: 'The ledger balances to zero and equals the captures', check: ledgerBalances },
]

async function captured(stage: Stage, gateway: 'kashier' | 'stripe', node: string): Promise<Finding> {
  const ref = `DEMO-${gateway}`
  await stage.expect(gateway, ref, 15_000n)
  const delivery = stage.sign(gateway, {
    kind: 'captured',
    merchantRef: ref,
    operationRef: `OP-${ref}`,
    amountMinor: 15_000n,
  })
  const { status } = await stage.post(stage.node(node), delivery)
  const holds = status === 200 && (await reaches(stage, ref, 'captured'))
  return { holds, seen: `HTTP ${status}, ${await summary(stage, ref)}` }
}

async function hundredTimes(stage: Stage): Promise<Finding> {
  const ref = 'DEMO-hundred'
  await stage.expect('kashier', ref, 9_900n)
  const delivery = stage.sign('kashier', {
    kind: 'captured',
    merchantRef: ref,
    operationRef: 'OP-hundred',
    amountMinor: 9_900n,
  })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      stage.post(stage.node(index % 2 === 0 ? 'node1' : 'node2'), delivery),
    ),
  )
  const stored = answers.filter(({ verdict }) => verdict === 'stored').length
  const duplicates = answers.filter(({ verdict }) => verdict === 'duplicate').length
  const isCaptured = await reaches(stage, ref, 'captured')
  const effects = await transitionsOf(stage, ref)
  return {
    holds: stored === 1 && duplicates === 99 && isCaptured && effects === 1,
    seen: `${stored} stored, ${duplicates} duplicates, ${effects} transition`,
  }
}

async function forged(stage: Stage): Promise<Finding> {
  const delivery = stage.sign('kashier', {
    kind: 'captured',
    merchantRef: 'DEMO-forged',
    operationRef: 'OP-forged',
    amountMinor: 100n,
  })
  const body = Buffer.from(delivery.body.toString().replace('OP-forged', 'OP-FORGED'))
  const { status } = await stage.post(stage.node('node1'), { ...delivery, body })
  const rows = await stage.ask("SELECT COUNT(*) AS n FROM webhook_events WHERE event_id LIKE 'OP-FORGED%'")
  return { holds: status === 401 && Number(rows[0]?.n) === 0, seen: `HTTP ${status}, ${rows[0]?.n} rows` }
}

async function outOfOrder(stage: Stage): Promise<Finding> {
  const ref = 'DEMO-order'
  await stage.expect('stripe', ref, 20_000n)
  const event = (kind: SampleKind, operationRef: string, amountMinor: bigint) =>
    stage.sign('stripe', {
      kind,
      eventId: `evt_order_${kind}`,
      merchantRef: ref,
      gatewayRef: 'pi_order',
      operationRef,
      amountMinor,
    })
  await stage.post(stage.node('node1'), event('refunded', 're_order', 5_000n))
  await stage.post(stage.node('node2'), event('captured', 'ch_order', 20_000n))
  const holds = await reaches(stage, ref, 'partially_refunded')
  await stage.post(stage.node('node1'), event('failed', 'ch_order_0', 20_000n))
  const late = await stage.until(async () => (await outcomesOf(stage, ref)).includes('no_effect:late'))
  return { holds: holds && late, seen: `${await summary(stage, ref)}; the late failure changed nothing` }
}

type SampleKind = 'refunded' | 'captured' | 'failed'

async function otherAmount(stage: Stage): Promise<Finding> {
  const ref = 'DEMO-hundred'
  const delivery = stage.sign('kashier', {
    kind: 'captured',
    merchantRef: ref,
    operationRef: 'OP-hundred',
    amountMinor: 1n,
  })
  const { status, verdict } = await stage.post(stage.node('node2'), delivery)
  const rows = await stage.ask(
    "SELECT COUNT(*) AS n FROM webhook_events WHERE event_id LIKE 'OP-hundred%' AND state = 'quarantined'",
  )
  return {
    holds:
      status === 200 &&
      verdict === 'conflict' &&
      Number(rows[0]?.n) === 1 &&
      (await reaches(stage, ref, 'captured')),
    seen: `HTTP ${status} ${verdict}, ${rows[0]?.n} in quarantine, ${await summary(stage, ref)}`,
  }
}

async function reserialised(stage: Stage): Promise<Finding> {
  const delivery = stage.sign('kashier', {
    kind: 'captured',
    merchantRef: 'DEMO-hundred',
    operationRef: 'OP-hundred',
    amountMinor: 9_900n,
  })
  const body = Buffer.from(JSON.stringify(JSON.parse(delivery.body.toString()), null, 2))
  const { status, verdict } = await stage.post(stage.node('node1'), { ...delivery, body })
  return { holds: status === 200 && verdict === 'duplicate', seen: `HTTP ${status} ${verdict}` }
}

async function parkedThenMatched(stage: Stage): Promise<Finding> {
  const ref = 'DEMO-early'
  const delivery = stage.sign('kashier', {
    kind: 'captured',
    merchantRef: ref,
    operationRef: 'OP-early',
    amountMinor: 7_000n,
  })
  await stage.post(stage.node('node1'), delivery)
  const parked = await stage.until(async () => (await stateOf(stage, 'OP-early')) === 'parked')
  await stage.expect('kashier', ref, 7_000n)
  return {
    holds: parked && (await reaches(stage, ref, 'captured')),
    seen: `parked, then ${await summary(stage, ref)}`,
  }
}

async function redisKilled(stage: Stage): Promise<Finding> {
  const refs = Array.from({ length: 60 }, (_, index) => `DEMO-redis-${index}`)
  for (const ref of refs) await stage.expect('kashier', ref, 1_000n)
  const deliveries = refs.map((ref) =>
    stage.sign('kashier', {
      kind: 'captured',
      merchantRef: ref,
      operationRef: `OP-${ref}`,
      amountMinor: 1_000n,
    }),
  )
  const third = refs.length / 3
  const post = (part: readonly SampleDelivery[]) =>
    Promise.all(
      part.map((delivery, index) => stage.post(stage.node(index % 2 === 0 ? 'node1' : 'node2'), delivery)),
    )
  const before = await post(deliveries.slice(0, third))
  process.kill(stage.host.redisPid, 'SIGKILL')
  const during = await post(deliveries.slice(third, 2 * third))
  const away = await stage.until(async () => (await capturedAmong(stage, 'DEMO-redis-%')) >= 2 * third)
  await stage.host.restartRedis()
  const after = await post(deliveries.slice(2 * third))
  const acknowledged = [...before, ...during, ...after].filter(({ status }) => status === 200).length
  const all = await stage.until(async () => (await capturedAmong(stage, 'DEMO-redis-%')) === refs.length)
  return {
    holds: acknowledged === refs.length && away && all,
    seen: `${acknowledged} of ${refs.length} acknowledged, ${await capturedAmong(stage, 'DEMO-redis-%')} captured, ${2 * third} of them without Redis`,
  }
}

/** A lock on the payment holds the event in the middle of its transaction, until the node that works on it is dead. */
async function nodeKilled(stage: Stage): Promise<Finding> {
  const ref = 'DEMO-killed'
  await stage.expect('kashier', ref, 4_200n)
  const holder = await stage.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT id FROM payments WHERE merchant_ref = ? FOR UPDATE', [ref])
  const delivery = stage.sign('kashier', {
    kind: 'captured',
    merchantRef: ref,
    operationRef: 'OP-killed',
    amountMinor: 4_200n,
  })
  await stage.post(stage.node('node1'), delivery)
  let victim = ''
  await stage.until(async () => {
    const rows = await stage.ask(
      "SELECT user FROM information_schema.processlist WHERE user LIKE 'demo_%' AND info LIKE '%FROM payments%FOR UPDATE%'",
    )
    victim = String(rows[0]?.user ?? rows[0]?.USER ?? '').replace('demo_', '')
    return victim !== ''
  })
  const node = stage.node(victim)
  const exited = once(node.process, 'exit')
  node.process.kill('SIGKILL')
  await exited
  await holder.query('ROLLBACK')
  holder.release()
  const holds = await reaches(stage, ref, 'captured')
  const effects = await transitionsOf(stage, ref)
  await stage.start(victim)
  return {
    holds: holds && effects === 1,
    seen: `${victim} killed in its transaction; ${await summary(stage, ref)}, ${effects} transition`,
  }
}

async function ledgerBalances(stage: Stage): Promise<Finding> {
  const rows = await stage.ask(
    `SELECT SUM(amount_minor) AS total, SUM(IF(ledger_account = 'gateway_receivable', amount_minor, 0)) AS receivable FROM ledger_entries`,
  )
  const truth = await stage.ask(
    `SELECT SUM(captured_minor) - (SELECT COALESCE(SUM(amount_minor), 0) FROM payment_operations WHERE kind = 'refund' AND state = 'succeeded') AS owed FROM payments`,
  )
  const total = BigInt(rows[0]?.total ?? 1)
  const receivable = BigInt(rows[0]?.receivable ?? -1)
  const owed = BigInt(truth[0]?.owed ?? -2)
  return {
    holds: total === 0n && receivable === owed,
    seen: `sum ${total}, gateways owe ${receivable} of ${owed} piastres`,
  }
}
