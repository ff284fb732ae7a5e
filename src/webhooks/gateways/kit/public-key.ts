import { createPublicKey, type KeyObject } from 'node:crypto'
import type { GatewayAccount } from '../adapter.ts'

/** An RSA key or certificate in PEM, its line ends perhaps written as `\n`; null for anything else. */
export function rsaKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPublicKey(pem.replaceAll('\\n', '\n'))
    return key.asymmetricKeyType === 'rsa' ? key : null
  } catch {
    return null
  }
}

/** Reading a PEM costs as much as verifying with it; accounts live as long as the process. */
const pinnedKeys = new WeakMap<GatewayAccount, KeyObject | null>()

/** The key that the setting PUBLIC_KEY pins; null where it pins none. */
export function pinnedKeyOf(account: GatewayAccount): KeyObject | null {
  const known = pinnedKeys.get(account)
  if (known !== undefined) return known
  const { PUBLIC_KEY } = account.settings
  const key = PUBLIC_KEY ? rsaKeyOf(PUBLIC_KEY) : null
  pinnedKeys.set(account, key)
  return key
}
