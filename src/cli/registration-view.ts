import { paymentJson } from '../payments/json.ts'
import type { Registration } from '../payments/register.ts'
import { refusedByState } from './failure.ts'
import { paymentFacts } from './payment-view.ts'
import type { Printer } from './printer.ts'

const HEADLINES = {
  created: 'done',
  existing: 'it was so already; nothing was changed',
} as const

/** Prints a registration that stands; throws a refusal for one that contradicts what is stored. */
export function answerRegistration(
  printer: Printer,
  registration: Registration,
  woken: readonly string[],
): void {
  switch (registration.kind) {
    case 'created':
    case 'existing': {
      const { kind, payment } = registration
      printer.answer({ result: kind, payment: paymentJson(payment), woken }, () => [
        printer.paint('green', HEADLINES[kind]),
        ...paymentFacts(printer, payment),
        ...(woken.length === 0
          ? []
          : [`${woken.length} waiting ${woken.length === 1 ? 'event' : 'events'} taken up`]),
      ])
      return
    }
    case 'different':
      throw refusedByState(
        'payment_differs',
        `the payment stands with another ${registration.fields.join(', ')}; nothing was changed`,
      )
    case 'reference_taken':
      throw refusedByState(
        'reference_taken',
        "the gateway's reference belongs to another payment; nothing was changed",
      )
    default:
      registration satisfies never
  }
}
