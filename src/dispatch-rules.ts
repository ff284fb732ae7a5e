import { readFileSync } from 'node:fs'
import { type ParsedRules, parseDispatchRules, rulesWithoutFile } from './config/dispatch-rules.ts'
import type { Config } from './config.ts'

/** A city has some dozen zones of some hundred bytes; a file of this size is another one. */
const MAX_CHARACTERS = 1_000_000

/** How drivers are found everywhere: the environment's settings, and the rules file's where there is one. Never throws. */
export function readDispatchRules({
  dispatch: { settings, rulesFile },
}: Pick<Config, 'dispatch'>): ParsedRules {
  if (rulesFile === null) return { ok: true, loaded: rulesWithoutFile(settings) }
  const refuse = (why: string): ParsedRules => ({ ok: false, problems: [`DISPATCH_RULES_FILE ${why}`] })
  try {
    const text = readFileSync(rulesFile, 'utf8')
    return text.length > MAX_CHARACTERS
      ? refuse(`has more than ${MAX_CHARACTERS} characters`)
      : parseDispatchRules(text, settings)
  } catch (error) {
    return refuse(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`)
  }
}
