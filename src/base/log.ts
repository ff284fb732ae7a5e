import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { createScrubber } from './scrub.ts'

/** A structured logger: `log.info({ eventId }, 'event processed')`. */
export type Log = Logger

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogShape {
  readonly level: LogLevel
  readonly name?: string
  /** Values that must never be seen in a log, wherever they stand. Those under six characters are left alone. */
  readonly secrets?: readonly string[]
  /** Where the lines go; stdout by default. */
  readonly destination?: DestinationStream
}

/**
 * One JSON object a line, with the level as a word and an ISO 8601 time. Every line, those of child loggers too, passes
 * the scrubber before it is written: it withholds secrets, credentials, signatures, bodies and card numbers.
 */
export function createLogger({ level, name, secrets = [], destination }: LogShape): Log {
  return pino(
    {
      level,
      base: { pid: process.pid, ...(name === undefined ? {} : { name }) },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      hooks: { streamWrite: createScrubber(secrets) },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  )
}
