import { Counter, type Registry } from 'prom-client'
import { type ConnectionMetrics, createConnectionMetrics } from './connection-metrics.ts'
import type { TicketRefusal } from './door/tickets.ts'
import type { TokenVerdict } from './door/token.ts'

/** What became of a request for a ticket. */
export type TicketOutcome =
  | 'issued'
  | 'origin_refused'
  | 'limited'
  | 'token_required'
  | 'token_refused'
  | 'unavailable'

export interface TokenMetrics {
  /** A token that was judged, at whichever door. */
  tokenChecked(verdict: TokenVerdict): void
  ticketAsked(outcome: TicketOutcome): void
  ticketBrought(outcome: 'redeemed' | TicketRefusal): void
}

export type RealtimeMetrics = TokenMetrics & ConnectionMetrics

/** Registers the metrics of tokens, tickets and connections. Names and labels are documented in docs/operations.md. */
export function createRealtimeMetrics(registry: Registry): RealtimeMetrics {
  return { ...createTokenMetrics(registry), ...createConnectionMetrics(registry) }
}

function createTokenMetrics(registry: Registry): TokenMetrics {
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] })
  const tokens = counter('onceline_tokens_checked_total', "Users' tokens by what was said of them.", [
    'verdict',
  ])
  const secrets = counter(
    'onceline_token_secret_matched_total',
    'Which of the active secrets signed a token.',
    ['secret'],
  )
  const asked = counter('onceline_tickets_asked_total', 'Requests for a ticket by what became of them.', [
    'outcome',
  ])
  const brought = counter(
    'onceline_tickets_brought_total',
    'Tickets that were brought back by what was said of them.',
    ['outcome'],
  )
  return {
    tokenChecked: (verdict) => {
      if (verdict.kind === 'refused') return tokens.inc({ verdict: verdict.reason })
      tokens.inc({ verdict: 'accepted' })
      secrets.inc({ secret: String(verdict.secretIndex + 1) })
    },
    ticketAsked: (outcome) => asked.inc({ outcome }),
    ticketBrought: (outcome) => brought.inc({ outcome }),
  }
}
