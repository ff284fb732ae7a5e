import type { KeyObject } from 'node:crypto'
import { boundedFetch } from '../base/bounded-fetch.ts'
import { idToText } from '../base/ids.ts'
import type { ClaimedMessage } from '../outbox/message.ts'
import { signatureOf, signingKeyOf } from './callback-signature.ts'

/** Where callbacks go. */
export interface CallbackTarget {
  /** LARAVEL_API_URL, without a slash at its end. */
  readonly url: string
  /** LARAVEL_API_KEY. null, outside production only: neither the key nor a signature is sent. */
  readonly apiKey: string | null
}

/** An answer's content, never to be logged: it may hold a rider's code. */
export interface AnswerBody {
  /** The Content-Type header as it came; empty where there is none. */
  readonly type: string
  readonly text: string
  /** False: it is longer than what is read, it broke off, or it did not end in time. */
  readonly isWhole: boolean
}

/** How Laravel answered, or why it did not. */
export type CallbackAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** The Retry-After header as it came. */
      readonly retryAfter: string | null
      /** The `message` of a JSON refusal, for whoever mends it. */
      readonly message: string | null
      readonly body: AnswerBody
    }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'unreachable'; readonly error: string }
  /** We stopped waiting because this process ends. */
  | { readonly kind: 'interrupted' }

export interface CallbackRequestOptions {
  readonly timeoutMs: number
  readonly nowMs: () => number
  /** Aborts what is in flight when the process must end. */
  readonly interrupt: AbortSignal
}

const MAX_BODY_BYTES = 64 * 1_024
const MAX_MESSAGE_CHARACTERS = 300

/** Sends callbacks. One for each target: it holds the derived key. */
export class CallbackClient {
  readonly #target: CallbackTarget
  readonly #options: CallbackRequestOptions
  readonly #signingKey: KeyObject | null

  constructor(target: CallbackTarget, options: CallbackRequestOptions) {
    this.#target = target
    this.#options = options
    this.#signingKey = target.apiKey === null ? null : signingKeyOf(target.apiKey)
  }

  /** Sends one message once and says what came of it. Never throws; takes `timeoutMs` at most, from connecting to the answer's end. */
  async send(message: ClaimedMessage): Promise<CallbackAnswer> {
    const { timeoutMs, interrupt } = this.#options
    const body = bodyOf(message)
    const request = { method: 'POST', headers: this.#headersOf(message, body), body, interrupt } as const
    const limits = { timeoutMs, maxBytes: MAX_BODY_BYTES }
    const answer = await boundedFetch(this.#addressOf(message), request, limits)
    if (answer.kind === 'unreachable') return { kind: 'unreachable', error: answer.reason }
    if (answer.kind !== 'answered') return answer
    // The verdict is in the head: a body that breaks off, or never ends, does not make a done callback undone.
    const { status, headers } = answer
    const { text, fault } = answer.body
    return {
      kind: 'answered',
      status,
      retryAfter: headers.get('retry-after'),
      message: this.#messageOf(headers, text),
      body: { type: headers.get('content-type') ?? '', text, isWhole: fault === null },
    }
  }

  #addressOf({ event }: ClaimedMessage): string {
    return `${this.#target.url}/api/internal/events/${encodeURIComponent(event)}`
  }

  #headersOf(message: ClaimedMessage, body: string): Record<string, string> {
    const id = idToText(message.id)
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'Onceline',
      'idempotency-key': id,
      'x-trace-id': message.traceId ?? id,
    }
    if (this.#target.apiKey === null || this.#signingKey === null) return headers
    const signature = signatureOf(this.#signingKey, body, this.#options.nowMs())
    return { ...headers, 'x-api-key': this.#target.apiKey, 'onceline-signature': signature }
  }

  /** A debugging Laravel shows the request, and with it our key: only its one-line message is kept, and no key in it. */
  #messageOf(headers: Headers, body: string): string | null {
    if (!/^application\/(?:[a-z.+-]+\+)?json/i.test(headers.get('content-type') ?? '')) return null
    try {
      const { message } = Object(JSON.parse(body)) as { message?: unknown }
      if (typeof message !== 'string' || message === '') return null
      const { apiKey } = this.#target
      const harmless = apiKey === null ? message : message.replaceAll(apiKey, '[redacted]')
      return harmless.slice(0, MAX_MESSAGE_CHARACTERS)
    } catch {
      return null
    }
  }
}

/**
 * The body, the same bytes at every attempt. What names the message is inside, so that the signature covers it: a body
 * that was taken from one event is of no use as another.
 */
export function bodyOf(message: ClaimedMessage): string {
  const { id, event, orderingKey, sequence, createdAt, payload } = message
  const head = { id: idToText(id), event, orderingKey, sequence, createdAt: createdAt.toISOString() }
  return `${JSON.stringify(head).slice(0, -1)},"data":${payload}}`
}
