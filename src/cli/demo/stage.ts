import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type DataHost, openDataHost } from '../../../db/embedded/data-host.ts'
import { migrate } from '../../../db/migrate.ts'
import { createDatabaseIfMissing, type DatabaseAddress, openPool, type Pool } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { idToText } from '../../base/ids.ts'
import { addressVariables } from '../../config/addresses.ts'
import { type ExpectedPayment, registerPayment } from '../../payments/register.ts'
import type { SampleSpec } from '../../webhooks/gateways/samples/sample.ts'
import { buildDelivery, newSecret, type SampleDelivery } from '../../webhooks/gateways/samples/samples.ts'
import { wakeParked } from '../../webhooks/park.ts'

/** The gateways that play in the demo. */
export type DemoGateway = 'stripe' | 'kashier' | 'paymob' | 'standard-webhooks'

/** One of the two Onceline processes of the demo. */
export interface Node {
  readonly name: string
  readonly url: string
  readonly process: ChildProcess
}

export interface Answer {
  readonly status: number
  readonly verdict: string | null
}

/** Who pays and who drives, and for which ride; they hear of it. */
export type Parties = Pick<ExpectedPayment, 'customerId' | 'driverId'> & { readonly tripId?: string }

const NOBODY: Parties = { customerId: null, driverId: null }
const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
const START_TIMEOUT_MS = 20_000
const POST_TIMEOUT_MS = 5_000
const POLL_MS = 20
const DATABASE = 'onceline_demo'

/** The demo's world: a private data host, two Onceline processes, and a gateway that signs and posts. */
export class Stage {
  readonly host: DataHost
  readonly pool: Pool
  readonly secrets: Readonly<Record<DemoGateway, string>>
  /** Signs the phones' tokens, as Laravel does. */
  readonly jwtSecret = newSecret('kashier')
  readonly #database: DatabaseAddress
  readonly #nodes = new Map<string, Node>()

  private constructor(host: DataHost, pool: Pool, database: DatabaseAddress) {
    this.host = host
    this.pool = pool
    this.#database = database
    this.secrets = {
      stripe: newSecret('stripe'),
      kashier: newSecret('kashier'),
      paymob: newSecret('paymob'),
      'standard-webhooks': newSecret('standard-webhooks'),
    }
  }

  /** Opens the data host in a folder of its own, with an empty database. */
  static async open(dataDir: string): Promise<Stage> {
    const host = await openDataHost({ dataDir })
    const root = openPool({ ...host.mysql, database: '' }, { connectionLimit: 1, lockWaitSeconds: 5 })
    await root.query(`DROP DATABASE IF EXISTS ${DATABASE}`)
    await root.end()
    const database = { ...host.mysql, database: DATABASE }
    await createDatabaseIfMissing(database)
    await migrate(database)
    return new Stage(host, openPool(database, { connectionLimit: 4, lockWaitSeconds: 10 }), database)
  }

  node(name: string): Node {
    const node = this.#nodes.get(name)
    if (!node) throw new Error(`${name} is not running`)
    return node
  }

  /** Starts a node under a database user of its own, so that the database can say whose transaction waits. */
  async start(name: string): Promise<Node> {
    const user = `demo_${name}`
    await this.pool.query(`CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY ?`, [
      this.#database.password,
    ])
    await this.pool.query(`GRANT ALL ON ${DATABASE}.* TO '${user}'@'%'`)
    const child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, ...this.#environment(user) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const port = await readyPort(child, name)
    const node = { name, url: `http://127.0.0.1:${port}`, process: child }
    this.#nodes.set(name, node)
    return node
  }

  #environment(user: string): Record<string, string> {
    const { mysql, redis } = this.host
    return {
      NODE_ENV: 'test',
      PORT: '0',
      ...addressVariables({ ...mysql, user, database: DATABASE }, redis),
      JWT_SECRET: this.jwtSecret,
      INTERNAL_API_KEY: newSecret('kashier'),
      STRIPE_WEBHOOK_SECRETS: this.secrets.stripe,
      KASHIER_WEBHOOK_SECRETS: this.secrets.kashier,
      PAYMOB_WEBHOOK_SECRETS: this.secrets.paymob,
      STANDARD_WEBHOOKS_WEBHOOK_SECRETS: this.secrets['standard-webhooks'],
      LOG_LEVEL: 'info',
    }
  }

  /** A delivery as the gateway would sign it now. */
  sign(gateway: DemoGateway, spec: Omit<SampleSpec, 'nowMs' | 'secret' | 'currency'>): SampleDelivery {
    return buildDelivery(gateway, {
      ...spec,
      currency: 'EGP',
      nowMs: Date.now(),
      secret: this.secrets[gateway],
    })
  }

  /** Posts once. Status 0 is no answer at all. */
  async post(node: Node, delivery: SampleDelivery): Promise<Answer> {
    try {
      const response = await fetch(node.url + delivery.path, {
        method: 'POST',
        headers: delivery.headers,
        body: new Uint8Array(delivery.body),
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      })
      const body = (await response.json()) as { verdict?: string }
      return { status: response.status, verdict: body.verdict ?? null }
    } catch {
      return { status: 0, verdict: null }
    }
  }

  /** Expects a payment, as the API behind the apps would. Returns its id. */
  async expect(
    gateway: DemoGateway,
    merchantRef: string,
    amountMinor: bigint,
    { customerId, driverId, tripId = undefined }: Parties = NOBODY,
  ): Promise<string> {
    const registration = await registerPayment(
      this.pool,
      {
        gateway,
        account: 'default',
        merchantRef,
        gatewayRef: null,
        amountMinor,
        currency: 'EGP',
        tripId: tripId ?? null,
        customerId,
        driverId,
      },
      async (refKeys) => void (await wakeParked(this.pool, refKeys)),
    )
    if (registration.kind === 'reference_taken') throw new Error(`${merchantRef} is taken`)
    return idToText(registration.payment.id)
  }

  /** Rows of a question to the truth. */
  async ask(sql: string, values: unknown[] = []): Promise<RowDataPacket[]> {
    const [rows] = await this.pool.query<RowDataPacket[]>(sql, values)
    return rows
  }

  /** Waits until the question is answered as wished; false when it was not in time. */
  async until(question: () => Promise<boolean>, timeoutMs = 15_000): Promise<boolean> {
    const endMs = performance.now() + timeoutMs
    while (performance.now() < endMs) {
      if (await question()) return true
      await pause(POLL_MS)
    }
    return false
  }

  /** Ends the nodes politely, then the data host. */
  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => stopNode(node)))
    await this.pool.end()
    await this.host.stop()
  }
}

async function stopNode({ process: child }: Node): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** Reads the log until the line that says on which port the node listens. */
async function readyPort(child: ChildProcess, name: string): Promise<number> {
  if (!child.stdout) throw new Error(`${name} has no output`)
  const lines = createInterface({ input: child.stdout })
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} was not ready in ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    )
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
    lines.on('line', (line) => {
      const port = /"port":(\d+),.*"msg":"ready"/.exec(line)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve(Number(port))
    })
  })
}
