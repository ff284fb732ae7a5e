import { secretsVariable, settingVariable } from './config/gateways.ts'
import type { Environment } from './config/variables.ts'
import { type Config, fillMissing, type Loaded, loadConfig, type Surroundings } from './config.ts'
import { devPublicKey } from './dev-key.ts'
import { loadOrCreateDevSecrets } from './dev-secrets.ts'
import { DEFAULT_ACCOUNT, type SecretForm } from './webhooks/gateways/adapter.ts'
import { adapters, configurationProblems, secretsOptional } from './webhooks/gateways/registry.ts'
import { developmentSettings } from './webhooks/gateways/settings.ts'

/** What a configuration of this build is read with. */
export function surroundings(cores: number): Surroundings {
  return { gateways: [...adapters.keys()], cores, secretsOptional, check: configurationProblems }
}

/** A configuration, and the variables that were made up for it. */
export type LoadedForUse = Loaded & { readonly generated: Readonly<Record<string, string>> }

/**
 * Reads the environment; outside production, what nobody set is made up and kept in the data folder: secrets, and for gateways
 * without a default account (one with secrets, where they have any) the settings that development runs with as well. Throws when
 * that cannot be written.
 */
export function loadForUse(env: Environment, cores: number): LoadedForUse {
  const first = loadConfig(env, surroundings(cores))
  if (!first.ok || first.config.environment === 'production') return { ...first, generated: {} }
  const generated = madeUp(first.config)
  if (Object.keys(generated).length === 0) return { ...first, generated }
  return { ...loadConfig(fillMissing(env, generated), surroundings(cores)), generated }
}

function madeUp(config: Config): Record<string, string> {
  const unset = [...adapters.values()].filter(({ name }) => !config.gateways.get(name)?.has(DEFAULT_ACCOUNT))
  const settings = unset.flatMap((adapter) =>
    Object.entries(developmentSettings(adapter, () => devPublicKey(config.dataDir))).map(([name, value]) => [
      settingVariable(adapter.name, DEFAULT_ACCOUNT, name),
      value,
    ]),
  )
  // Those that may do without secrets are not missing any; but an account has to begin with something.
  const optional = unset
    .filter(({ secretsOptional: isOptional, secretForm }) => isOptional === true && secretForm !== 'none')
    .map(({ name }) => secretsVariable(name))
  const names = [...new Set([...config.missingSecrets, ...optional])]
  const secrets = loadOrCreateDevSecrets(config.dataDir, names, formOf)
  return { ...secrets, ...Object.fromEntries(settings) }
}

/** The form of the secret that a variable holds. */
function formOf(variable: string): SecretForm {
  const adapter = [...adapters.values()].find(({ name }) => secretsVariable(name) === variable)
  return adapter?.secretForm ?? 'text'
}
