import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addCallbacksDiscard } from './callbacks-discard.ts'
import { addCallbacksList } from './callbacks-list.ts'
import { addCallbacksReplay } from './callbacks-replay.ts'
import { addCallbacksShow } from './callbacks-show.ts'
import type { Cli } from './cli.ts'
import { addDemo } from './demo.ts'
import { addDoctor } from './doctor.ts'
import { addEventsDiscard } from './events-discard.ts'
import { addEventsList } from './events-list.ts'
import { addEventsRelease } from './events-release.ts'
import { addEventsReplay } from './events-replay.ts'
import { addEventsShow } from './events-show.ts'
import { EXIT_CODES_HELP } from './exit-codes.ts'
import { addGatewaysList } from './gateways-list.ts'
import { addGatewaysPause } from './gateways-pause.ts'
import { addGatewaysResume } from './gateways-resume.ts'
import { addMigrate } from './migrate.ts'
import { addPaymentsAttach } from './payments-attach.ts'
import { addPaymentsList } from './payments-list.ts'
import { addPaymentsRegister } from './payments-register.ts'
import { addPaymentsShow } from './payments-show.ts'
import { addServe } from './serve.ts'
import { addToken } from './token.ts'
import { addTripsExplain } from './trips-explain.ts'
import { addTripsList } from './trips-list.ts'
import { addTripsShow } from './trips-show.ts'
import { addWebhookSend } from './webhook-send.ts'
import { addWebhookVerify } from './webhook-verify.ts'

/** All commands. `isJson` keeps commander's own messages to itself, since they come as JSON. */
export function buildProgram(cli: Cli, isJson: boolean): Command {
  const program = new Command('onceline')
    .description('Takes payment webhooks, and lets each take effect once.')
    .version(readVersion())
    .option('--json', 'print JSON, errors too (on stderr)')
    .option('--actor <name>', "whose name the audit bears (default: the operating system's user)")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput(isJson ? { writeErr: () => undefined } : {})
    .exitOverride()
    .addHelpText('after', EXIT_CODES_HELP)
  addServe(program, cli)
  addDemo(program, cli)
  addMigrate(program, cli)
  addDoctor(program, cli)
  addToken(program, cli)
  const events = program.command('events').description('see webhook events and decide about them')
  addEventsList(events, cli)
  addEventsShow(events, cli)
  addEventsReplay(events, cli)
  addEventsRelease(events, cli)
  addEventsDiscard(events, cli)
  const webhook = program
    .command('webhook')
    .description('judge saved deliveries, and send some for development')
  addWebhookVerify(webhook, cli)
  addWebhookSend(webhook, cli)
  const gateways = program.command('gateways').description('see gateway accounts, pause and resume them')
  addGatewaysList(gateways, cli)
  addGatewaysPause(gateways, cli)
  addGatewaysResume(gateways, cli)
  const payments = program.command('payments').description('register payments and see what became of them')
  addPaymentsRegister(payments, cli)
  addPaymentsAttach(payments, cli)
  addPaymentsShow(payments, cli)
  addPaymentsList(payments, cli)
  const trips = program.command('trips').description('see trips, and why their drivers were asked')
  addTripsList(trips, cli)
  addTripsShow(trips, cli)
  addTripsExplain(trips, cli)
  const callbacks = program.command('callbacks').description('see what Laravel is told and decide about it')
  addCallbacksList(callbacks, cli)
  addCallbacksShow(callbacks, cli)
  addCallbacksReplay(callbacks, cli)
  addCallbacksDiscard(callbacks, cli)
  return program
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
