import { createPublicKey, type KeyObject } from 'node:crypto'
import { DEVELOPMENT_KEY, type GatewayAccount, type Setting } from '../adapter.ts'

/** An RSA key or certificate in PEM, its line ends perhaps written as `\n`; null for anything else. */
export function rsaKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPublicKey(pem.replaceAll('\\n', '\n'))
    return key.asymmetricKeyType === 'rsa' ? key : null
  } catch {
    return null
  }
}

/** The setting PUBLIC_KEY of a gateway that signs with certificates. */
export function publicKeySetting(whose: string): Setting {
  return {
    name: 'PUBLIC_KEY',
    meaning: `an RSA key or certificate in PEM that takes the place of ${whose}'s certificates, for tests`,
    development: DEVELOPMENT_KEY,
    problem: (value) => (rsaKeyOf(value) === null ? 'must be an RSA key or certificate in PEM' : null),
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
