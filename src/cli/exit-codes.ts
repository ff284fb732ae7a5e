/** What the exit code of a command means. Scripts rely on it; docs/cli.md repeats it. */
export const EXIT = {
  done: 0,
  /** It failed, or nothing was found that matches what was asked. */
  failed: 1,
  /** Wrong usage: the message names the option or argument. Nothing was done. */
  usage: 2,
  /** The database (or the embedded data host) cannot be reached. */
  unreachable: 3,
  /** The environment is wrong; every problem is listed. */
  configuration: 4,
  /** The state of things forbids it: an applied event, a taken reference, a missing migration. */
  refused: 5,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** For `onceline --help`. */
export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  failed, or nothing matched what was asked
  2  wrong usage; the message names the option
  3  the database cannot be reached
  4  the configuration has problems; all are listed
  5  refused by the state of things (an applied event, a taken reference, a missing migration)`
