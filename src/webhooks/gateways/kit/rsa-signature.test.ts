import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { GatewayAccount } from '../adapter.ts'
import { isCertificateNeeded, isRsaSigned, keyOfCertificate, readRsaSignature } from './rsa-signature.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
const URL = 'https://certificates.example/x.pem'
const account = (settings: GatewayAccount['settings'] = {}): GatewayAccount => ({
  gateway: 'paypal',
  account: 'default',
  secrets: [],
  settings,
})

describe('a signature', () => {
  it.each([256, 384, 512])('of %i bytes is read', (length) => {
    expect(readRsaSignature(Buffer.alloc(length, 1).toString('base64'))?.length).toBe(length)
  })

  it.each([
    '',
    'AAAA',
    Buffer.alloc(255, 1).toString('base64'),
    Buffer.alloc(513, 1).toString('base64'),
    Buffer.alloc(256, 255).toString('base64url'),
    7,
    null,
    undefined,
  ])('that is %j is none', (text) => {
    expect(readRsaSignature(text)).toBeNull()
  })

  it.each(['RSA-SHA1', 'RSA-SHA256'] as const)('by %s holds for its text, key and hash alone', (hash) => {
    const signature = sign(hash, Buffer.from('text'), privateKey)
    expect(isRsaSigned('text', hash, publicKey, signature)).toBe(true)
    expect(isRsaSigned('texT', hash, publicKey, signature)).toBe(false)
    expect(isRsaSigned('text', hash, other, signature)).toBe(false)
    const otherHash = hash === 'RSA-SHA1' ? 'RSA-SHA256' : 'RSA-SHA1'
    expect(isRsaSigned('text', otherHash, publicKey, signature)).toBe(false)
  })

  it('under a key of another kind is refused and throws nothing', () => {
    const { publicKey: ed25519 } = generateKeyPairSync('ed25519')
    expect(isRsaSigned('text', 'RSA-SHA256', ed25519, Buffer.alloc(256))).toBe(false)
  })
})

describe('the key', () => {
  it('is that of the certificate, which is wished for where it is not there', () => {
    expect(keyOfCertificate(URL, account(), new Map([[URL, publicKey]]))).toBe(publicKey)
    for (const certificates of [undefined, new Map([[`${URL}x`, publicKey]])]) {
      const needed = keyOfCertificate(URL, account(), certificates)
      expect(needed).toEqual({ kind: 'certificate_needed', url: URL })
      expect(needed !== null && isCertificateNeeded(needed)).toBe(true)
    }
    expect(isCertificateNeeded(publicKey)).toBe(false)
  })

  it('is none where the address may not be asked for', () => {
    expect(keyOfCertificate(null, account(), new Map([[URL, publicKey]]))).toBeNull()
  })

  it('that is pinned takes the place of every certificate', () => {
    const PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const pinned = account({ PUBLIC_KEY })
    for (const url of [URL, null]) {
      const key = keyOfCertificate(url, pinned, new Map([[URL, other]]))
      expect(key !== null && !isCertificateNeeded(key) && key.equals(publicKey)).toBe(true)
    }
  })
})
