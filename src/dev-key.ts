import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'dev-key.pem'
const OWNER_ONLY = 0o600

/**
 * An RSA key of this data folder, which signs what gateways with certificates sign (PayPal, SNS), in development alone. Made
 * once, by whoever comes first (mode 0600). Throws when the file cannot be written or read.
 */
export function loadOrCreateDevKey(dataDir: string): KeyObject {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, FILE)
  return read(path) ?? create(path)
}

/** Its public half, as a gateway's PUBLIC_KEY wants it. */
export function devPublicKey(dataDir: string): string {
  return createPublicKey(loadOrCreateDevKey(dataDir)).export({ type: 'spki', format: 'pem' }).toString()
}

function read(path: string): KeyObject | null {
  try {
    const pem = readFileSync(path)
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, OWNER_ONLY)
    return createPrivateKey(pem)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new Error(`${path} cannot be read; delete it to have a new key made`)
  }
}

/** A link fails when the name is taken, so one of several writers wins and all read the winner's file. */
function create(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`
  writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: OWNER_ONLY,
    flag: 'wx',
    flush: true,
  })
  try {
    linkSync(draft, path)
    return privateKey
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return read(path) ?? privateKey
  } finally {
    unlinkSync(draft)
  }
}
