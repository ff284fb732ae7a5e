import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** Names the purpose, so that the derived key is of no use for anything else that is keyed with LARAVEL_API_KEY. */
export const SIGNING_KEY_LABEL = 'onceline-callback-signature-v1'

/**
 * The key of the callbacks' signatures: HMAC-SHA256 with LARAVEL_API_KEY (its bytes in UTF-8) over the label, 32 raw bytes.
 * In PHP: `hash_hmac('sha256', 'onceline-callback-signature-v1', $apiKey, true)`.
 */
export function signingKeyOf(apiKey: string): KeyObject {
  return createSecretKey(createHmac('sha256', apiKey).update(SIGNING_KEY_LABEL).digest())
}

/** The header's value: `t=<unix seconds>,v1=<hex>`, where v1 is HMAC-SHA256 over `<t>.<body>`, the body as it is sent. */
export function signatureOf(key: KeyObject, body: string, nowMs: number): string {
  const t = Math.floor(nowMs / 1_000)
  return `t=${t},v1=${createHmac('sha256', key).update(`${t}.${body}`).digest('hex')}`
}
