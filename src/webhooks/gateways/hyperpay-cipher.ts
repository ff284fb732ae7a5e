import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

export const IV_BYTES = 12
export const TAG_BYTES = 16

export interface Encrypted {
  readonly ciphertext: Buffer
  readonly iv: Buffer
  readonly tag: Buffer
}

/** AES-256-GCM with a tag of exactly 16 bytes; null where the tag does not prove every bit of what it covers. */
export function decrypt({ ciphertext, iv, tag }: Encrypted, key: KeyObject): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(tag)
    const first = decipher.update(ciphertext)
    // Nothing of the plaintext may be looked at before this has not thrown.
    const last = decipher.final()
    return last.length === 0 ? first : Buffer.concat([first, last])
  } catch {
    return null
  }
}

export function encrypt(plaintext: Buffer, key: Buffer, iv: Buffer): Encrypted {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return { ciphertext, iv, tag: cipher.getAuthTag() }
}
