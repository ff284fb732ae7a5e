import { afterLoss, CLOSE, type Loss, type ReconnectTempo, type StopReason } from './reconnect.ts'

/*
 * The client's states: pure.
 *
 *   idle ──connect──▶ connecting ──ready──▶ open
 *                      ▲   │                 │
 *            due, wake │   │ lost            │ lost
 *                      │   ▼                 │
 *                     waiting ◀──────────────┘
 *
 *   connecting, open, waiting ──close──▶ stopped (closed)
 *   connecting, open ──lost with 4409──▶ stopped (replaced), but for the one that may be an echo of our own (below)
 *   connecting ──denied: no new credentials after 4401 or 4403──▶ stopped (unauthorized, forbidden)
 *   stopped ──connect──▶ connecting
 *
 * connecting lasts from asking for credentials until the server's `ready`.
 */

export type ClientState =
  | { readonly name: 'idle' }
  | ({ readonly name: 'connecting'; readonly attempt: number } & Doubt)
  | ({ readonly name: 'open'; readonly attempt: number; readonly sinceMs: number } & Doubt)
  | ({
      readonly name: 'waiting'
      /** How many connections in a row were lost without having been stable. */
      readonly attempt: number
      readonly delayMs: number
      /** The server said how long. */
      readonly isFirm: boolean
      /** Why: for people who look at it. */
      readonly loss: Loss
    } & Doubt)
  | { readonly name: 'stopped'; readonly why: StopReason }

/**
 * Of two connections that one device opened in a row, the server may take the one that was given up for the newer, and close the one
 * that lives with 4409. So the first 4409 soon after a lost connection is a lost connection, and `wasReplaced`; the next
 * one is another device's.
 */
interface Doubt {
  readonly wasReplaced?: true
}

export type Input =
  | { readonly type: 'connect' | 'close' | 'due' | 'wake' }
  | { readonly type: 'ready'; readonly nowMs: number }
  | { readonly type: 'lost'; readonly loss: Loss; readonly nowMs: number; readonly random: number }
  | { readonly type: 'denied'; readonly why: StopReason }

/** dial: ask for credentials and open a socket. hang_up: close it. wait: `due` after the state's delay. rest: do not. */
export type Effect = 'dial' | 'hang_up' | 'wait' | 'rest'

export interface Turn {
  readonly state: ClientState
  readonly effects: readonly Effect[]
}

/** The next state and what is to be done for it. An input that means nothing in a state leaves it. */
export function turn(state: ClientState, input: Input, tempo: ReconnectTempo): Turn {
  switch (input.type) {
    case 'connect':
      return state.name === 'idle' || state.name === 'stopped' ? dial(0, {}) : { state, effects: [] }
    case 'close':
      return close(state)
    case 'due':
      return state.name === 'waiting' ? dial(state.attempt, state) : { state, effects: [] }
    case 'wake':
      if (state.name !== 'waiting' || state.isFirm) return { state, effects: [] }
      return { ...dial(state.attempt, state), effects: ['rest', 'dial'] }
    case 'ready':
      if (state.name !== 'connecting') return { state, effects: [] }
      return {
        state: { name: 'open', attempt: state.attempt, sinceMs: input.nowMs, ...doubtOf(state) },
        effects: [],
      }
    case 'denied':
      if (state.name !== 'connecting') return { state, effects: [] }
      return { state: { name: 'stopped', why: input.why }, effects: [] }
    case 'lost':
      return lose(state, input, tempo)
  }
}

function dial(attempt: number, before: Doubt): Turn {
  return { state: { name: 'connecting', attempt, ...doubtOf(before) }, effects: ['dial'] }
}

function doubtOf({ wasReplaced }: Doubt): Doubt {
  return wasReplaced === true ? { wasReplaced } : {}
}

function close(state: ClientState): Turn {
  const stopped: ClientState = { name: 'stopped', why: 'closed' }
  if (state.name === 'waiting') return { state: stopped, effects: ['rest'] }
  if (state.name === 'connecting' || state.name === 'open') return { state: stopped, effects: ['hang_up'] }
  return { state: stopped, effects: [] }
}

function lose(state: ClientState, input: Input & { type: 'lost' }, tempo: ReconnectTempo): Turn {
  if (state.name !== 'connecting' && state.name !== 'open') return { state, effects: [] }
  const wasStable = state.name === 'open' && input.nowMs - state.sinceMs >= tempo.stableMs
  const attempt = wasStable ? 0 : state.attempt
  const isEcho = input.loss.code === CLOSE.replaced && attempt > 0 && state.wasReplaced !== true
  const loss = isEcho ? { ...input.loss, code: 0 } : input.loss
  const after = afterLoss(loss, attempt, input.random, tempo)
  if (after.kind === 'stop') return { state: { name: 'stopped', why: after.why }, effects: [] }
  const { delayMs, isFirm } = after
  return {
    state: {
      name: 'waiting',
      attempt: attempt + 1,
      delayMs,
      isFirm,
      loss: input.loss,
      ...doubtOf(isEcho ? { wasReplaced: true } : wasStable ? {} : state),
    },
    effects: ['wait'],
  }
}
