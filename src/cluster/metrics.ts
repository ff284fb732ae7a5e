import cluster, { type Worker } from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { type FromPrimary, type FromWorker, isOurs, type Metric } from './messages.ts'

/** How long a worker waits for the text. Prometheus gives up after 10 s by default, people sooner. */
const ANSWER_TIMEOUT_MS = 2_000
/** How long the primary waits for its workers; the rest is for adding up and for the way back. */
const COLLECT_TIMEOUT_MS = 1_500

let lastId = 0
const wanted = new Map<number, (text: string) => void>()

/**
 * The metrics of all workers added up, in Prometheus' text form; to be called in a worker that has been installed.
 *
 * A worker that does not answer in time is left out and counted in `onceline_cluster_workers_silent`. Rejects after two
 * seconds without an answer from the primary.
 */
export function clusterMetrics(): Promise<string> {
  lastId += 1
  const id = lastId
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the primary did not answer in time')), ANSWER_TIMEOUT_MS)
    wanted.set(id, (text) => {
      clearTimeout(timer)
      resolve(text)
    })
    tellPrimary({ type: 'onceline:metrics-wanted', id })
  }).finally(() => wanted.delete(id))
}

/** Lets this worker answer its primary with the metrics of `registry`, and hear the primary's answers. */
export function answerPrimary(registry: Registry): void {
  process.on('message', (message: unknown) => {
    if (!isOurs<FromPrimary>(message)) return
    if (message.type === 'onceline:metrics') wanted.get(message.id)?.(message.text)
    else void answerWithOwn(registry, message.id)
  })
}

async function answerWithOwn(registry: Registry, id: number): Promise<void> {
  // A collector that fails makes this worker silent, which the answer says.
  const metrics: readonly Metric[] | null = await registry.getMetricsAsJSON().catch(() => null)
  if (metrics !== null) tellPrimary({ type: 'onceline:own-metrics', id, metrics })
}

/** A primary that has just died hears nothing; the disconnect tells of it. */
function tellPrimary(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

interface Collection {
  readonly metrics: Metric[][]
  readonly waitingFor: Set<Worker>
  finish(): void
}

/** Lets this primary answer its workers; `restarts` tells how many workers were replaced so far. Returns the end of it. */
export function answerWorkers(restarts: () => number): () => void {
  const collections = new Map<number, Collection>()
  const hear = (worker: Worker, message: unknown): void => {
    if (!isOurs<FromWorker>(message)) return
    if (message.type === 'onceline:metrics-wanted') void answer(worker, message.id, collections, restarts())
    else take(collections.get(message.id), worker, message.metrics)
  }
  cluster.on('message', hear)
  return () => cluster.off('message', hear)
}

function take(collection: Collection | undefined, worker: Worker, metrics: readonly Metric[]): void {
  if (!collection?.waitingFor.delete(worker)) return
  collection.metrics.push([...metrics])
  if (collection.waitingFor.size === 0) collection.finish()
}

async function answer(
  worker: Worker,
  id: number,
  collections: Map<number, Collection>,
  restarts: number,
): Promise<void> {
  const { metrics, waitingFor } = await collect(collections)
  const own = [
    ofPrimary('onceline_cluster_workers', 'gauge', 'Workers that answered.', metrics.length),
    ofPrimary('onceline_cluster_workers_silent', 'gauge', 'Workers that did not answer.', waitingFor.size),
    ofPrimary('onceline_cluster_restarts_total', 'counter', 'Workers that fell and were replaced.', restarts),
  ]
  const text = await AggregatorRegistry.aggregate([...metrics, own]).metrics()
  tellWorker(worker, { type: 'onceline:metrics', id, text })
}

function collect(collections: Map<number, Collection>): Promise<Collection> {
  lastId += 1
  const id = lastId
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected() === true)
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      collections.delete(id)
      resolve(collection)
    }
    const timer = setTimeout(finish, COLLECT_TIMEOUT_MS)
    const collection: Collection = {
      metrics: [],
      waitingFor: new Set(workers.filter((worker) => worker !== undefined)),
      finish,
    }
    collections.set(id, collection)
    for (const worker of collection.waitingFor)
      tellWorker(worker, { type: 'onceline:own-metrics-wanted', id })
  })
}

/** A worker may die between the look and the word; its exit is noticed elsewhere. */
function tellWorker(worker: Worker, message: FromPrimary): void {
  if (worker.isConnected()) worker.process.send(message, undefined, undefined, () => undefined)
}

function ofPrimary(name: string, type: 'gauge' | 'counter', help: string, value: number): Metric {
  return { name, help, type, aggregator: 'sum', values: [{ value, labels: {} }] }
}
