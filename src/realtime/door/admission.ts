import type { AddressRanges } from '../../base/addresses.ts'
import type { Limits } from '../../limits/limits.ts'
import { tooManyRequests } from '../../limits/middleware.ts'
import type { RealtimeMetrics } from '../metrics.ts'
import { type Handshake, type HandshakeProblem, type HandshakeRequest, readHandshake } from './handshake.ts'
import { clientNetwork } from './network.ts'
import type { OriginRule } from './origins.ts'
import {
  handshakeRefused,
  originRefused,
  overloaded,
  seatsTaken,
  ticketRefused,
  ticketsUnavailable,
  tokenRefused,
  tokenRequired,
} from './refusals.ts'
import { redeemTicket, type TicketDesk } from './tickets.ts'
import { type TokenRules, type TokenUser, verifyToken } from './token.ts'

/** Counts of open sockets over all processes; Seats. */
export interface SeatBook {
  take(user: TokenUser, network: string | null): Promise<'taken' | 'user_full' | 'network_full'>
  free(user: TokenUser, network: string | null): void
}

export interface AdmissionOptions {
  readonly tokens: TokenRules
  readonly desk: TicketDesk
  readonly allowsOrigin: OriginRule
  readonly trustedProxies: AddressRanges
  readonly limits: Pick<Limits, 'take'>
  readonly seats: SeatBook
  readonly metrics: Pick<RealtimeMetrics, 'tokenChecked'>
  /** Whether the process is leaving, or too busy for more sockets. */
  readonly isClosed: () => boolean
}

/** Who may come in; he holds a seat until it is freed. */
export interface Admitted {
  readonly user: TokenUser
  readonly network: string | null
  readonly since: number | null
}

/** What was said of a handshake, for metrics; the answer for whoever is refused. */
export type Admission =
  | { readonly kind: 'admitted'; readonly admitted: Admitted }
  | { readonly kind: 'refused'; readonly outcome: AdmissionRefusal; readonly answer: Response }

export type AdmissionRefusal =
  | HandshakeProblem
  | 'closed'
  | 'limited'
  | 'origin_refused'
  | 'token_refused'
  | 'ticket_refused'
  | 'tickets_unavailable'
  | 'user_full'
  | 'network_full'

/**
 * May this request become a connection? In the order of what a refusal costs: is there room, is it a handshake, has its address
 * asked too often, is its page one of ours, whom does its token or ticket speak for, has he a seat. Whoever is
 * refused learns it before the upgrade, by an HTTP status and a problem document.
 */
export async function admit(
  request: HandshakeRequest,
  peer: string | undefined,
  requestId: string,
  options: AdmissionOptions,
): Promise<Admission> {
  if (options.isClosed()) return refused('closed', overloaded(requestId))
  const reading = readHandshake(request)
  if (reading.kind === 'refused') {
    const { problem } = reading
    const answer =
      problem === 'credential_missing' ? tokenRequired(requestId) : handshakeRefused(problem, requestId)
    return refused(problem, answer)
  }
  const network = clientNetwork(peer, request.headers, options.trustedProxies)
  const pace = network === null ? null : await options.limits.take('handshake', network)
  if (pace?.allowed === false) return refused('limited', tooManyRequests(pace, requestId))
  const { origin } = request.headers
  if (!options.allowsOrigin(origin)) return refused('origin_refused', originRefused(requestId))
  const { credential, since } = reading.handshake
  const identity = await identify(credential, origin, requestId, options)
  if (identity.kind === 'refused') return identity
  const { user } = identity
  const seat = await options.seats.take(user, network)
  if (seat !== 'taken') return refused(seat, seatsTaken(seat, requestId))
  return { kind: 'admitted', admitted: { user, network, since } }
}

type Identity =
  | { readonly kind: 'user'; readonly user: TokenUser }
  | Extract<Admission, { readonly kind: 'refused' }>

async function identify(
  { kind, text }: Handshake['credential'],
  origin: string | undefined,
  requestId: string,
  { tokens, desk, metrics }: AdmissionOptions,
): Promise<Identity> {
  if (kind === 'token') {
    const verdict = verifyToken(text, tokens)
    metrics.tokenChecked(verdict)
    return verdict.kind === 'accepted'
      ? { kind: 'user', user: verdict.user }
      : refused('token_refused', tokenRefused(verdict.reason, requestId))
  }
  const redemption = await redeemTicket(desk, text, origin)
  if (redemption.kind === 'redeemed') return { kind: 'user', user: redemption.user }
  return redemption.reason === 'unavailable'
    ? refused('tickets_unavailable', ticketsUnavailable(requestId))
    : refused('ticket_refused', ticketRefused(requestId))
}

function refused(
  outcome: AdmissionRefusal,
  answer: Response,
): Extract<Admission, { readonly kind: 'refused' }> {
  return { kind: 'refused', outcome, answer }
}
