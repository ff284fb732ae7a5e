import type { ApiResponse } from '../base/openapi.ts'

/** Laravel is the one caller, whichever of its keys it uses: a rotation must not make its retries new requests. */
export const laravel = () => ({ tenant: 'laravel', actor: '' })

/** What every request of the internal API may be answered. */
export const REFUSALS: Readonly<Record<number, ApiResponse>> = {
  401: { description: 'no X-API-Key' },
  403: { description: 'a wrong X-API-Key, or not from this address' },
  429: { description: 'too many requests; see Retry-After and RateLimit' },
}

/** What a keyed request may be answered beside its own outcomes. */
export const KEYED: Readonly<Record<number, ApiResponse>> = {
  ...REFUSALS,
  400: { description: 'no or no possible Idempotency-Key, no JSON, or fields that are wrong (`errors`)' },
  410: {
    description: 'the key was used so long ago that its answer is no longer kept; nothing was done again',
  },
  413: { description: 'the body is over 16 KiB' },
  422: { description: 'the key was used for another request; nothing was done' },
  503: { description: 'the database is away; send the same again with the same key' },
}
