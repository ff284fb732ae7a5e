/** Whether a signed moment (Unix seconds) lies within the tolerance, before or after now. A null clock leaves it unchecked. */
export function isFresh(timestampSeconds: number, nowMs: number | null, toleranceSeconds: number): boolean {
  return nowMs === null || Math.abs(Math.floor(nowMs / 1000) - timestampSeconds) <= toleranceSeconds
}
