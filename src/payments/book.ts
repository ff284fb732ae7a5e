import type { PoolConnection } from '../../db/pools.ts'
import { type Id, newId } from '../base/ids.ts'
import type { PaymentFact } from './fact.ts'
import { insertMoves, type Move } from './moves.ts'
import { gatewayRefKey } from './refs.ts'
import { applyFact, type Decision } from './state.ts'
import { lockPayments, type PaymentRow, savePayments } from './store.ts'

/**
 * The payments that one transaction has locked. Facts are applied in memory, one after the other, and written together
 * by save(): several events of one payment, or of fifty, cost the same few statements.
 */
export class PaymentBook {
  readonly #rows: Map<string, PaymentRow>
  readonly #moves: Move[] = []
  readonly #changed = new Set<string>()

  private constructor(rows: readonly PaymentRow[]) {
    this.#rows = new Map(rows.map((row) => [row.id.toString('hex'), row]))
  }

  /** Locks the payments by id, ascending. */
  static async open(connection: PoolConnection, ids: readonly Id[]): Promise<PaymentBook> {
    const distinct = new Map(ids.map((id) => [id.toString('hex'), id]))
    return new PaymentBook(await lockPayments(connection, [...distinct.values()]))
  }

  /** The payment as it stands now, with what was applied in this book; undefined when it was not locked. */
  find(id: Id): PaymentRow | undefined {
    return this.#rows.get(id.toString('hex'))
  }

  /** Decides what the fact means for the payment, and remembers it when it applies. Pure but for this book. */
  apply(row: PaymentRow, eventId: Id, fact: PaymentFact, amountApproved: boolean): Decision {
    const decision = applyFact(row.payment, fact, { amountApproved })
    if (decision.kind !== 'applied') return decision
    const next: PaymentRow = {
      ...learnGatewayRef(row, fact),
      version: row.version + 1,
      payment: decision.payment,
    }
    this.#put(next)
    this.#moves.push({
      transitionId: newId(),
      paymentId: row.id,
      version: next.version,
      eventId,
      fact,
      from: decision.from,
      to: decision.to,
      postings: decision.postings,
      operation: decision.operation,
    })
    return decision
  }

  get moves(): readonly Move[] {
    return this.#moves
  }

  /** Writes every change of this book. `now` is the database's clock, read in this transaction. */
  async save(connection: PoolConnection, now: Date): Promise<void> {
    const changed = [...this.#changed].sort().flatMap((key) => this.#rows.get(key) ?? [])
    await savePayments(connection, changed, now)
    const moves = this.#moves.flatMap((move) => {
      const row = this.#rows.get(move.paymentId.toString('hex'))
      return row ? [{ move, row }] : []
    })
    await insertMoves(connection, moves, now)
  }

  #put(row: PaymentRow): void {
    const key = row.id.toString('hex')
    this.#rows.set(key, row)
    this.#changed.add(key)
  }
}

/**
 * Later events of this payment may bear only the gateway's reference (a Stripe refund names just its PaymentIntent). The
 * first one named is kept until a capture names another: what was tried before it failed, and refunds follow the capture.
 */
function learnGatewayRef(row: PaymentRow, fact: PaymentFact): PaymentRow {
  if (fact.gatewayRef === null || fact.gatewayRef === row.gatewayRef) return row
  if (row.gatewayRef !== null && fact.kind !== 'captured') return row
  return {
    ...row,
    gatewayRef: fact.gatewayRef,
    gatewayRefKey: gatewayRefKey(row.gateway, row.account, fact.gatewayRef),
  }
}
