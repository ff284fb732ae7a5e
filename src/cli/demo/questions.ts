import type { Stage } from './stage.ts'

/** Waits until the payment is in this state; false when it is not in time. */
export async function reaches(stage: Stage, ref: string, state: string): Promise<boolean> {
  return stage.until(async () => {
    const rows = await stage.ask('SELECT state FROM payments WHERE merchant_ref = ?', [ref])
    return rows[0]?.state === state
  })
}

/** The payment in words. */
export async function summary(stage: Stage, ref: string): Promise<string> {
  const rows = await stage.ask(
    'SELECT state, captured_minor, currency FROM payments WHERE merchant_ref = ?',
    [ref],
  )
  const [row] = rows
  return row ? `${row.state}, ${row.captured_minor} ${row.currency} minor` : 'unknown'
}

/** How many transitions the payment had: its effects. */
export async function transitionsOf(stage: Stage, ref: string): Promise<number> {
  const rows = await stage.ask(
    'SELECT COUNT(*) AS n FROM payment_transitions t JOIN payments p ON p.id = t.payment_id WHERE p.merchant_ref = ?',
    [ref],
  )
  return Number(rows[0]?.n)
}

/** `outcome:reason` of every event that names this payment. */
export async function outcomesOf(stage: Stage, ref: string): Promise<string[]> {
  const rows = await stage.ask('SELECT outcome, reason FROM webhook_events WHERE merchant_ref = ?', [ref])
  return rows.map((row) => `${row.outcome}:${row.reason}`)
}

/** The state of the first event whose id begins so; null when there is none. */
export async function stateOf(stage: Stage, eventIdPrefix: string): Promise<string | null> {
  const rows = await stage.ask('SELECT state FROM webhook_events WHERE event_id LIKE ?', [
    `${eventIdPrefix}%`,
  ])
  return rows[0]?.state ?? null
}

/** How many of the payments whose reference is LIKE this are captured. */
export async function capturedAmong(stage: Stage, refs: string): Promise<number> {
  const rows = await stage.ask(
    "SELECT COUNT(*) AS n FROM payments WHERE merchant_ref LIKE ? AND state = 'captured'",
    [refs],
  )
  return Number(rows[0]?.n)
}
