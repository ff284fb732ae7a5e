import type { Command } from 'commander'
import { adapters } from '../webhooks/gateways/registry.ts'
import { listPauses, type Pause } from '../webhooks/pauses.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { knownAccounts, withContext } from './context.ts'
import { timeText } from './event-view.ts'
import type { Cell } from './printer.ts'

const EXAMPLES = `
An account is configured by its variables (<GATEWAY>_WEBHOOK_SECRETS, <GATEWAY>__<ACCOUNT>__WEBHOOK_SECRETS); see
docs/configuration.md.

Examples:
  onceline gateways list
  onceline gateways list --json | jq '.gateways[] | select(.paused)'`

/** `onceline gateways list` */
export function addGatewaysList(gateways: Command, cli: Cli): void {
  gateways
    .command('list')
    .description('list gateway accounts and which of them are paused')
    .addHelpText('after', EXAMPLES)
    .action(handler<object>(cli, list))
}

interface GatewayLine {
  readonly gateway: string
  readonly account: string
  /** null: paused once, and no longer understood or configured. */
  readonly tier: string | null
  readonly configured: boolean
  /** Active secrets; 0 where one is made up for development. */
  readonly secrets: number
  readonly pause: Pause | null
}

async function list({ cli, printer }: Call<object>): Promise<undefined> {
  const lines = await withContext(cli.env, async ({ config, pool }) => {
    const pauses = await listPauses(pool)
    const known = knownAccounts(config)
    const others = pauses.filter((pause) => !known.some((one) => isSame(one, pause)))
    return [...known, ...others].map(
      ({ gateway, account }): GatewayLine => ({
        gateway,
        account,
        tier: adapters.get(gateway)?.tier ?? null,
        configured: known.some((one) => isSame(one, { gateway, account })),
        secrets: config.gateways.get(gateway)?.get(account)?.secrets.length ?? 0,
        pause: pauses.find((pause) => isSame(pause, { gateway, account })) ?? null,
      }),
    )
  })
  printer.answer({ gateways: lines.map(json) }, () =>
    printer.table(
      ['GATEWAY', 'ACCOUNT', 'TIER', 'SECRETS', 'STATE', 'SINCE', 'BY', 'WHY'],
      lines.map(row),
      'no gateways',
    ),
  )
}

interface Name {
  readonly gateway: string
  readonly account: string
}

function isSame(a: Name, b: Name): boolean {
  return a.gateway === b.gateway && a.account === b.account
}

function json({ pause, ...line }: GatewayLine) {
  const paused =
    pause === null ? null : { at: pause.pausedAt.toISOString(), actor: pause.actor, reason: pause.reason }
  return { ...line, paused }
}

function row({ gateway, account, tier, configured, secrets, pause }: GatewayLine): Cell[] {
  const state: Cell = pause ? { text: 'paused', colour: 'yellow' } : { text: 'open', colour: 'green' }
  return [
    gateway,
    account,
    tier ?? '-',
    configured ? (secrets === 0 ? 'made up' : String(secrets)) : 'not configured',
    state,
    pause ? timeText(pause.pausedAt) : '',
    pause?.actor ?? '',
    pause?.reason ?? '',
  ]
}
