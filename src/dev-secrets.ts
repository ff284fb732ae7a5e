import { createHmac, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SecretForm } from './webhooks/gateways/adapter.ts'
import { secretFrom } from './webhooks/gateways/kit/secret-form.ts'

/** The form that the user of a variable's secret expects. */
export type SecretFormOf = (variable: string) => SecretForm

const FILE = 'secrets.json'
const SEED = 'seed'
const SEED_BYTES = 32
const OWNER_ONLY = 0o600

/**
 * Makes up the named secrets for development and keeps them in `<dataDir>/secrets.json` (mode 0600): the same values at
 * every start and for every process of the folder.
 *
 * The file is written once, whole, by whoever comes first, and never again; it holds a random seed from which a name that
 * was not known then is derived. So processes that start together agree without a lock, and an edited value stands.
 * Throws when the file cannot be written or is no longer what was written.
 */
export function loadOrCreateDevSecrets(
  dataDir: string,
  names: readonly string[],
  formOf: SecretFormOf = () => 'text',
): Record<string, string> {
  if (names.length === 0) return {}
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, FILE)
  const kept = read(path) ?? create(path, names, formOf)
  const seed = kept[SEED]
  if (seed === undefined) throw new Error(`${path} has no ${SEED}; delete it to have new secrets made`)
  return Object.fromEntries(names.map((name) => [name, kept[name] ?? derive(seed, name, formOf)]))
}

function read(path: string): Readonly<Record<string, string>> | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, OWNER_ONLY)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const kept = parse(text)
  if (kept === null) throw new Error(`${path} cannot be read; delete it to have new secrets made`)
  return kept
}

/** The parser's own message would quote the file, and the file is secret. */
function parse(text: string): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(text)
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isTable && Object.values(value).every((one) => typeof one === 'string' && one !== '')
      ? (value as Record<string, string>)
      : null
  } catch {
    return null
  }
}

/** A link fails when the name is taken, so one of several writers wins and all read the winner's file. */
function create(
  path: string,
  names: readonly string[],
  formOf: SecretFormOf,
): Readonly<Record<string, string>> {
  const seed = randomBytes(SEED_BYTES).toString('base64url')
  const content = {
    [SEED]: seed,
    ...Object.fromEntries(names.map((name) => [name, derive(seed, name, formOf)])),
  }
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: OWNER_ONLY, flag: 'wx', flush: true })
  try {
    linkSync(draft, path)
    return content
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return read(path) ?? content
  } finally {
    unlinkSync(draft)
  }
}

function derive(seed: string, name: string, formOf: SecretFormOf): string {
  return secretFrom(createHmac('sha256', seed).update(name).digest(), formOf(name))
}
