import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { z } from 'zod'
import { CASE, type Case, type CaseVerdict, judgeCase } from '../webhooks/gateways/case.ts'
import { adapters } from '../webhooks/gateways/registry.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { EXIT } from './exit-codes.ts'
import { usageError } from './failure.ts'

const EXAMPLES = `
A file holds one delivery or an array of them, as JSON:
  {"gateway": "kashier", "headers": {"x-kashier-signature": "…"}, "query": {}, "body": "<the raw bytes>",
   "secrets": ["…"], "now": 1790000000, "settings": {"OWNER": "12"}, "valid": true}
Without "now" the age of a timestamp is not checked. Where a secret is a pair, its halves follow one another. Each delivery is one
line of JSON on stdout; the exit code is 1 where "valid" is not what the file says. Needs no database and no configuration.

Examples:
  onceline webhook verify delivery.json
  onceline webhook verify test/vectors/*.json | jq 'select(.valid | not)'`

/** `onceline webhook verify` */
export function addWebhookVerify(webhook: Command, cli: Cli): void {
  webhook
    .command('verify')
    .description('say what a gateway’s adapter makes of saved deliveries, and why it refuses them')
    .argument('<files...>', 'JSON files')
    .addHelpText('after', EXAMPLES)
    .action(handler<object>(cli, verify))
}

async function verify({ args, printer }: Call<object>): Promise<number> {
  const cases = (args[0] as readonly string[]).flatMap(readCases)
  let disagreements = 0
  for (const one of cases) {
    const verdict = judge(one)
    printer.raw(Buffer.from(`${JSON.stringify(verdict)}\n`))
    if (one.valid !== undefined && one.valid !== verdict.valid) {
      disagreements += 1
      printer.note(`${one.gateway}: ${one.name}: valid is ${verdict.valid}, and the file says ${one.valid}`)
    }
  }
  return disagreements === 0 ? EXIT.done : EXIT.failed
}

function judge(one: Case): CaseVerdict {
  const adapter = adapters.get(one.gateway)
  if (adapter !== undefined) return judgeCase(one, adapter)
  throw usageError(`${one.gateway} is no gateway of this build; known are ${[...adapters.keys()].join(', ')}`)
}

function readCases(file: string): readonly Case[] {
  const parsed = z.union([CASE, z.array(CASE)]).safeParse(readJson(file))
  if (parsed.success) return Array.isArray(parsed.data) ? parsed.data : [parsed.data]
  // Of the two readings the one that fits what stands there tells the field.
  const [one, many] = parsed.error.issues.flatMap((issue) =>
    issue.code === 'invalid_union' ? issue.errors : [],
  )
  const issue = [...(many ?? []), ...(one ?? [])].find(({ path }) => path.length > 0)
  throw usageError(`${file}: ${issue === undefined ? 'is neither a delivery nor an array' : describe(issue)}`)
}

function describe({
  path,
  message,
}: {
  readonly path: readonly PropertyKey[]
  readonly message: string
}): string {
  return `${path.map(String).join('.')}: ${message}`
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw usageError(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
