import { readFileSync } from 'node:fs'

/** Linux counts a process's time in these, whatever the kernel's own tick (proc_pid_stat(5), USER_HZ). */
const MICROS_PER_TICK = 10_000

/** The processor time that a process with all its threads has used so far, in microseconds, to the nearest 10 ms. */
export function cpuMicrosOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in brackets and may hold blanks; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK
}

/** Starts to watch some processes; the function it returns says what each has used since, in microseconds. */
export function watchCpu<Name extends string>(
  pids: Readonly<Record<Name, number>>,
): () => Record<Name, number> {
  const read = () => mapValues(pids, cpuMicrosOf)
  const before = read()
  return () => {
    const after = read()
    return mapValues(pids, (_, name) => after[name] - before[name])
  }
}

function mapValues<Name extends string>(
  values: Readonly<Record<Name, number>>,
  change: (value: number, name: Name) => number,
): Record<Name, number> {
  const names = Object.keys(values) as Name[]
  return Object.fromEntries(names.map((name) => [name, change(values[name], name)])) as Record<Name, number>
}
