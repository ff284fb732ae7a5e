import type { NamedSettings } from '../config/dispatch-rules.ts'
import type { Config } from '../config.ts'
import { readDispatchRules } from '../dispatch-rules.ts'
import { type Finding, ok, wrong } from './finding.ts'

/** A line is for people; the file has them all. */
const SHOWN_ZONES = 10

/** Which rules drivers are found by, or what is wrong with the file that says so. */
export function checkDispatchRules(config: Config): Finding[] {
  const read = readDispatchRules(config)
  if (!read.ok)
    return read.problems.map((problem) =>
      wrong(
        'dispatch rules',
        problem,
        'mend the file; the service does not start with it (docs/matching.md)',
      ),
    )
  const { defaults, named } = read.loaded
  const { rulesFile } = config.dispatch
  if (rulesFile === null) return [ok('dispatch rules', `${defaults.policy} everywhere`)]
  const zones = named.filter(({ category }) => category === null)
  const texts = zones.slice(0, SHOWN_ZONES).map((zone) => zoneText(zone, named))
  const more = zones.length > SHOWN_ZONES ? [`and ${zones.length - SHOWN_ZONES} zones more`] : []
  const all = [...texts, ...more, `${defaults.policy} elsewhere`]
  return [ok('dispatch rules', `${rulesFile}: ${all.join(', ')}`)]
}

function zoneText({ zoneId, settings }: NamedSettings, named: readonly NamedSettings[]): string {
  const others = named.filter(
    (one) => one.zoneId === zoneId && one.category !== null && one.settings.policy !== settings.policy,
  )
  const texts = others.map((one) => `${one.category} ${one.settings.policy}`)
  return `${zoneId} ${settings.policy}${texts.length === 0 ? '' : ` (${texts.join(', ')})`}`
}
