import { type Command, Option } from 'commander'
import { mintToken } from '../realtime/door/mint.ts'
import { USER_TYPES, type UserType } from '../realtime/door/token.ts'
import { parseForeignId, parseLimit } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { readConfig, readConfigForUse } from './context.ts'
import { usageError } from './failure.ts'

interface Options {
  readonly type: UserType
  readonly minutes: number
}

const HOUR_MINUTES = 60
const MAX_MINUTES = 24 * HOUR_MINUTES
const MINUTE_MS = 60_000

const EXAMPLES = `
For development: it is signed with JWT_SECRET, or with the one that was made up in DATA_DIR, as Laravel signs its users'. In
production Laravel alone issues tokens.

Examples:
  onceline token rider-1
  onceline token driver-7 --type driver --minutes 5
  npx -y wscat -c "ws://127.0.0.1:3000?token=$(npm run -s onceline -- token rider-1)"`

/** `onceline token` */
export function addToken(program: Command, cli: Cli): void {
  program
    .command('token')
    .description("print a user's token, for development")
    .argument('<user>', "the user's id", parseForeignId)
    .addOption(new Option('--type <type>', 'whose app it is').choices(USER_TYPES).default('customer'))
    .option('--minutes <number>', 'how long it is valid', parseLimit(MAX_MINUTES), HOUR_MINUTES)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, print))
}

async function print({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const first = readConfig(cli.env)
  if (first.environment === 'production') throw usageError("in production tokens are Laravel's to issue")
  const [secret] = readConfigForUse(cli.env).jwtSecrets
  if (secret === undefined) throw new Error('no JWT_SECRET could be made up')
  const expiresAtMs = Date.now() + options.minutes * MINUTE_MS
  const token = await mintToken(secret, { userId: String(args[0]), userType: options.type, expiresAtMs })
  printer.answer({ token, expiresAt: new Date(expiresAtMs).toISOString() }, () => [token])
}
