import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { DEFAULT_ACCOUNT, type GatewayAccount } from '../../src/webhooks/gateways/adapter.ts'
import { adapters } from '../../src/webhooks/gateways/registry.ts'
import { developmentSettings } from '../../src/webhooks/gateways/settings.ts'

let key: KeyObject | undefined

/** The key of this process's gateways that sign with one. */
export function signingKey(): KeyObject {
  key ??= generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  return key
}

/** What a gateway's samples need beside what they tell. */
export function signingWith(gateway: string, secret = '') {
  const settings = settingsOf(gateway)
  return adapters.get(gateway)?.secretForm === 'none'
    ? { secret, settings, privateKey: signingKey() }
    : { secret, settings }
}

/** An account that takes the samples of its gateway: the settings of development, and this secret. */
export function sampleAccount(gateway: string, ...secrets: readonly (string | undefined)[]): GatewayAccount {
  return {
    gateway,
    account: DEFAULT_ACCOUNT,
    secrets: secrets.filter((secret): secret is string => secret !== undefined && secret !== ''),
    settings: settingsOf(gateway),
  }
}

function settingsOf(gateway: string): Readonly<Record<string, string>> {
  const adapter = adapters.get(gateway)
  if (adapter === undefined) throw new Error(`no adapter ${gateway}`)
  return developmentSettings(adapter, () =>
    createPublicKey(signingKey()).export({ type: 'spki', format: 'pem' }).toString(),
  )
}
