import type { PaymentFact } from '../../src/payments/fact.ts'
import { applyFact, type Payment } from '../../src/payments/state.ts'

/** One event as the model sees it; `payment` says which of the run's payments it is about. */
export interface ModelEvent {
  readonly payment: number
  readonly fact: PaymentFact
}

interface ModelPayment {
  payment: Payment
  gatewayRef: string | null
  version: number
  readonly ledger: string[]
}

type Waiting = 'registration' | 'capture'

/**
 * What processing must come to, told without a database: payments that are registered at some time, events that arrive in
 * batches, a waiting room. References of different payments never meet.
 */
export class ProcessingModel {
  readonly payments = new Map<number, ModelPayment>()
  readonly fates = new Map<ModelEvent, string>()
  readonly #order: ModelEvent[] = []
  readonly #waiting = new Map<ModelEvent, Waiting>()
  #woken = new Set<ModelEvent>()
  /** What a batch wakes it wakes after its commit, so whoever parks later in the same batch is reached too. */
  readonly #toWake: (() => void)[] = []

  register(index: number, payment: Payment): void {
    if (this.payments.has(index)) return
    this.payments.set(index, { payment, gatewayRef: null, version: 0, ledger: [] })
    this.#wake((event) => event.payment === index && event.fact.merchantRef !== null, 'registration')
    this.#drain()
  }

  deliver(events: readonly ModelEvent[]): void {
    this.#order.push(...events)
    this.#process(events)
    this.#drain()
  }

  #drain(): void {
    while (this.#woken.size > 0) {
      const woken = this.#woken
      this.#woken = new Set()
      this.#process(this.#order.filter((event) => woken.has(event)))
    }
  }

  /** References that a batch learns are known to the next one, not to itself. */
  #process(events: readonly ModelEvent[]): void {
    const found = new Map(events.map((event) => [event, this.#find(event)]))
    const parked: ModelEvent[] = []
    for (const event of events) {
      const fate = this.#take(event, found.get(event))
      this.fates.set(event, fate)
      if (fate === 'parked/payment_unknown') parked.push(event)
    }
    for (const wake of this.#toWake.splice(0)) wake()
    for (const event of parked) if (this.#find(event)) this.#wake((each) => each === event, 'registration')
  }

  #find({ payment: index, fact }: ModelEvent): ModelPayment | undefined {
    const row = this.payments.get(index)
    if (!row) return undefined
    return fact.merchantRef !== null || fact.gatewayRef === row.gatewayRef ? row : undefined
  }

  #take(event: ModelEvent, row: ModelPayment | undefined): string {
    if (!row) {
      this.#waiting.set(event, 'registration')
      return 'parked/payment_unknown'
    }
    const decision = applyFact(row.payment, event.fact, { amountApproved: false })
    switch (decision.kind) {
      case 'no_effect':
        return `processed/no_effect/${decision.reason}`
      case 'quarantined':
        return `quarantined/${decision.reason}`
      case 'early':
        this.#waiting.set(event, 'capture')
        return `parked/${decision.reason}`
      case 'applied':
        row.payment = decision.payment
        row.version += 1
        row.gatewayRef ??= event.fact.gatewayRef
        row.ledger.push(
          ...decision.postings.map(({ account, amountMinor }) => `${account} ${amountMinor} EGP`),
        )
        this.#afterMove(event, row)
        return 'processed/applied'
    }
  }

  #afterMove({ payment: index, fact }: ModelEvent, row: ModelPayment): void {
    const isOfPayment = (event: ModelEvent) => event.payment === index
    if (fact.kind === 'captured') this.#afterCommit(isOfPayment, 'capture')
    if (row.gatewayRef !== null)
      this.#afterCommit((event) => isOfPayment(event) && event.fact.gatewayRef !== null, 'registration')
  }

  #afterCommit(who: (event: ModelEvent) => boolean, what: Waiting): void {
    this.#toWake.push(() => this.#wake(who, what))
  }

  #wake(who: (event: ModelEvent) => boolean, what: Waiting): void {
    for (const [event, waitsFor] of this.#waiting) {
      if (waitsFor !== what || !who(event)) continue
      this.#waiting.delete(event)
      this.#woken.add(event)
    }
  }
}
