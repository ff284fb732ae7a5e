/**
 * Whether a host may be called. Pure: every function takes the state and the time and returns the next state.
 *
 *     closed ──failures in a row──▶ open ──its time is over──▶ half-open (one probe)
 *        ▲                           ▲                             │
 *        │                           └────── the probe failed ─────┤   (twice as long as before)
 *        └──────────────────────────────── the probe succeeded ────┘
 *
 * Times are of a monotonic clock, in milliseconds.
 */
export type Circuit =
  | { readonly kind: 'closed'; readonly era: number; readonly trouble: number }
  | { readonly kind: 'open'; readonly era: number; readonly untilMs: number; readonly openings: number }
  | {
      readonly kind: 'half-open'
      readonly era: number
      readonly probeEndsMs: number
      readonly openings: number
    }

/**
 * What an answer says of the host. `well`: it does its work. `ill`: it is away. `erring`: it answered with an error of its
 * own, and this may be the call's fault. `unknown`: the call was not made or not waited for.
 */
export type Health = 'well' | 'ill' | 'erring' | 'unknown'

export interface CircuitShape {
  /** So many calls in a row that found it ill open it. */
  readonly failures: number
  /** So many erring answers count as one of these: one kind of call that always fails must not stop all others. */
  readonly errorsAFailure: number
  /** It stays open so long at first, and twice as long after every probe that failed… */
  readonly openMs: number
  /** …up to this. */
  readonly maxOpenMs: number
  /** A probe that was not heard of for so long is lost, and another may go. */
  readonly probeMs: number
}

/** Given with the leave to call, and brought back with the result: what was begun in another era says nothing of this one. */
export interface Permit {
  readonly era: number
  /** This call is to find out whether the host is back. */
  readonly isProbe: boolean
}

export const NEW_CIRCUIT: Circuit = { kind: 'closed', era: 0, trouble: 0 }

export interface Admission {
  readonly circuit: Circuit
  /** How many calls may be made now, of those asked for. */
  readonly permits: number
}

/** Asks for leave to make up to `wanted` calls (at least one): all while closed, none while open, one as the probe. */
export function admit(circuit: Circuit, wanted: number, nowMs: number, shape: CircuitShape): Admission {
  if (circuit.kind === 'closed') return { circuit, permits: wanted }
  if (restMs(circuit, nowMs) > 0) return { circuit, permits: 0 }
  const probing: Circuit = {
    kind: 'half-open',
    era: circuit.era + 1,
    probeEndsMs: nowMs + shape.probeMs,
    openings: circuit.openings,
  }
  return { circuit: probing, permits: 1 }
}

/** For how long nobody will be admitted, in milliseconds; 0: somebody would be now. */
export function restMs(circuit: Circuit, nowMs: number): number {
  if (circuit.kind === 'closed') return 0
  return Math.max((circuit.kind === 'open' ? circuit.untilMs : circuit.probeEndsMs) - nowMs, 0)
}

/**
 * Hears how a call ended. `holdMs`: the host asked to be left alone so long (0: it did not). After `unknown` a probe's leave
 * goes to the next who asks.
 */
export function hear(
  circuit: Circuit,
  permit: Permit,
  result: { readonly health: Health; readonly holdMs: number },
  nowMs: number,
  shape: CircuitShape,
): Circuit {
  if (permit.era !== circuit.era || circuit.kind === 'open') return circuit
  if (result.health === 'well') return { kind: 'closed', era: circuit.era, trouble: 0 }
  if (result.health === 'unknown') {
    return circuit.kind === 'closed' ? circuit : { ...circuit, probeEndsMs: nowMs }
  }
  if (circuit.kind === 'half-open') return opened(circuit, circuit.openings + 1, result.holdMs, nowMs, shape)
  const trouble = circuit.trouble + (result.health === 'ill' ? shape.errorsAFailure : 1)
  if (trouble < shape.failures * shape.errorsAFailure) return { ...circuit, trouble }
  return opened(circuit, 1, result.holdMs, nowMs, shape)
}

/** 2^20 times any sensible time is beyond the longest. */
const MAX_DOUBLINGS = 20

function opened(
  circuit: Circuit,
  openings: number,
  holdMs: number,
  nowMs: number,
  shape: CircuitShape,
): Circuit {
  const doublings = Math.min(openings - 1, MAX_DOUBLINGS)
  const openMs = Math.max(Math.min(shape.openMs * 2 ** doublings, shape.maxOpenMs), holdMs)
  return { kind: 'open', era: circuit.era + 1, untilMs: nowMs + openMs, openings }
}

/** The circuit of one host in this process. */
export class CircuitBreaker {
  readonly #shape: CircuitShape
  readonly #nowMs: () => number
  readonly #onChange: (kind: Circuit['kind']) => void
  #circuit: Circuit = NEW_CIRCUIT

  /** `onChange` hears every change from one kind to another. */
  constructor(shape: CircuitShape, nowMs: () => number, onChange: (kind: Circuit['kind']) => void) {
    this.#shape = shape
    this.#nowMs = nowMs
    this.#onChange = onChange
  }

  get kind(): Circuit['kind'] {
    return this.#circuit.kind
  }

  get isRefusing(): boolean {
    return this.restMs > 0
  }

  /** For how long nobody will be admitted, in milliseconds. */
  get restMs(): number {
    return restMs(this.#circuit, this.#nowMs())
  }

  /** Leave for up to `wanted` calls; each must be brought back to `hear`, once. */
  admit(wanted: number): readonly Permit[] {
    const { circuit, permits } = admit(this.#circuit, wanted, this.#nowMs(), this.#shape)
    this.#become(circuit)
    const isProbe = circuit.kind === 'half-open'
    return Array.from({ length: permits }, () => ({ era: circuit.era, isProbe }))
  }

  hear(permit: Permit, health: Health, holdMs = 0): void {
    this.#become(hear(this.#circuit, permit, { health, holdMs }, this.#nowMs(), this.#shape))
  }

  #become(circuit: Circuit): void {
    const before = this.#circuit.kind
    this.#circuit = circuit
    if (circuit.kind !== before) this.#onChange(circuit.kind)
  }
}
