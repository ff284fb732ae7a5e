// What the adapters say of themselves, as blocks of the documentation. Pure but for reading the files.
import { readFileSync } from 'node:fs'
import { secretsVariable, settingVariable } from '../src/config/gateways.ts'
import { DEFAULT_ACCOUNT, type GatewayAdapter } from '../src/webhooks/gateways/adapter.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { COMMON_SETTINGS, settingsOf } from '../src/webhooks/gateways/settings.ts'

const ROOT = new URL('../', import.meta.url)

/** Every file with a block, and its whole text as it has to be. */
export function gatewayTexts(): ReadonlyMap<string, string> {
  const pages = [...adapters.values()].map(
    (adapter) => [`docs/gateways/${adapter.name}.md`, facts(adapter)] as const,
  )
  const blocks = [...pages, ['README.md', readmeTable()] as const, ['.env.example', exampleLines()] as const]
  return new Map(blocks.map(([file, block]) => [file, withBlock(file, block)]))
}

/** Puts the block between its marks. Throws where the file has none. */
function withBlock(file: string, block: string): string {
  const isShell = !file.endsWith('.md')
  const [begin, end] = isShell
    ? ['# Gateways: written by `npm run docs:gateways`.', '# End of gateways.']
    : ['<!-- gateways: written by `npm run docs:gateways` -->', '<!-- end -->']
  const text = readFileSync(new URL(file, ROOT), 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end, from)
  if (from === -1 || to === -1) throw new Error(`${file} has no block between "${begin}" and "${end}"`)
  const gap = isShell ? '\n' : '\n\n'
  return `${text.slice(0, from + begin.length)}${gap}${block}${gap}${text.slice(to)}`
}

function readmeTable(): string {
  const rows = [...adapters.values()]
    .sort((a, b) => (a.about.title.toLowerCase() < b.about.title.toLowerCase() ? -1 : 1))
    .map(({ name, about, ...adapter }) =>
      row(
        about.title,
        adapter.tier,
        about.signature,
        moneyMoves({ ...adapter, name, about }),
        pageLink(name),
      ),
    )
  return [
    row('gateway', 'tier', 'signature', 'money moves', 'page'),
    row(...new Array(5).fill('---')),
    ...rows,
  ].join('\n')
}

function pageLink(name: string): string {
  return `[docs/gateways/${name}.md](docs/gateways/${name}.md)`
}

function moneyMoves({ tier, confirmFirst, confirm }: GatewayAdapter): string {
  if (!confirmFirst && tier === 'A') return 'at once'
  if (!confirmFirst && tier === 'B') return 'at once, if all that decides is signed'
  return confirm === undefined ? 'after a person confirmed it' : 'after the gateway confirmed it'
}

function facts(adapter: GatewayAdapter): string {
  const { name, about, tier, acknowledgement } = adapter
  const answer = acknowledgement === undefined ? '200' : `200 with \`${acknowledgement.body}\``
  const age =
    adapter.toleranceSeconds === undefined
      ? []
      : [row('age', `at most ${adapter.toleranceSeconds} s, either way`)]
  return [
    row('endpoint', `\`POST /webhooks/${name}\`, or \`/webhooks/${name}/<account>\``),
    row('---', '---'),
    row('signature', about.signature),
    row('tier', `${tier} (${TIERS[tier]}); money moves ${moneyMoves(adapter)}`),
    row('event id', about.eventId),
    ...age,
    row('answer', `${answer}; ${adapter.refusalStatus ?? 401} for a wrong signature`),
    row('its own words', about.source),
    '',
    ...variables(adapter),
  ].join('\n')
}

const TIERS = {
  A: 'the whole body is signed',
  B: 'only some fields are signed',
  C: 'a static token, the body is not signed',
  D: 'nothing is signed',
} as const

function variables(adapter: GatewayAdapter): readonly string[] {
  const secrets =
    adapter.secretForm === 'none' ? [] : [row(code(secretsVariable(adapter.name)), secretsMeaning(adapter))]
  const settings = settingsOf(adapter).map(({ name, meaning, needed }) => {
    const use =
      needed === 'verify' ? '; production needs it' : needed === 'confirm' ? '; for asking the gateway' : ''
    return row(code(settingVariable(adapter.name, DEFAULT_ACCOUNT, name)), meaning + use)
  })
  const other = code(
    `${settingVariable(adapter.name, 'account', 'X').slice(0, -'ACCOUNT__X'.length)}<ACCOUNT>__…`,
  )
  const others = row(other, `the same for \`/webhooks/${adapter.name}/<account>\``)
  return [row('variable', 'meaning'), row('---', '---'), ...secrets, ...settings, others]
}

function secretsMeaning({ secretForm, secretsOptional }: GatewayAdapter): string {
  const form = secretForm === 'pair' ? 'secrets, each `<public>:<private>`' : 'secrets'
  return `${form}, comma-separated; any may match${secretsOptional === true ? '; may be left out, see below' : ''}`
}

/** A line for each variable that one gateway alone has. */
function exampleLines(): string {
  const common = new Set(COMMON_SETTINGS.map(({ name }) => name))
  const lines = [...adapters.values()].flatMap((adapter) => {
    const placeholder = {
      text: 'REPLACE_ME',
      hex: 'REPLACE_ME',
      whsec: 'whsec_REPLACE_ME',
      pair: 'REPLACE_ME:REPLACE_ME',
      none: '',
    }
    const secrets =
      adapter.secretForm === 'none'
        ? []
        : [`#${secretsVariable(adapter.name)}=${placeholder[adapter.secretForm]}`]
    const settings = settingsOf(adapter).filter(({ name }) => !common.has(name))
    return [
      ...secrets,
      ...settings.map(({ name }) => `#${settingVariable(adapter.name, DEFAULT_ACCOUNT, name)}=`),
    ]
  })
  return [
    '# Secrets are comma-separated, any may match; docs/gateways tells what each variable means. Those of whom nothing is set are',
    '# unknown in production. Every gateway also has _ALLOWED_CIDRS and _WEBHOOK_SECRETS_UNTIL (2@2026-12-31T00:00:00Z).',
    ...lines,
  ].join('\n')
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function code(text: string): string {
  return `\`${text}\``
}
