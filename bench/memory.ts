import { readFileSync } from 'node:fs'

/** What a process holds in memory, from /proc. */
export function residentMibOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? 0) / 1_024
}

/** Looks again and again what a process holds; the function it returns says the most that was seen, and ends it. */
export function watchResident(pid: number, intervalMs = 10): () => number {
  let most = residentMibOf(pid)
  const timer = setInterval(() => {
    most = Math.max(most, residentMibOf(pid))
  }, intervalMs)
  return () => {
    clearInterval(timer)
    return Math.max(most, residentMibOf(pid))
  }
}
