/** One thing that the doctor looked at. `advice`: what a person should do about it. */
export interface Finding {
  readonly name: string
  readonly status: 'ok' | 'warning' | 'wrong'
  readonly detail: string
  readonly advice: string | null
}

export function ok(name: string, detail: string): Finding {
  return { name, status: 'ok', detail, advice: null }
}

export function warning(name: string, detail: string, advice: string): Finding {
  return { name, status: 'warning', detail, advice }
}

export function wrong(name: string, detail: string, advice: string): Finding {
  return { name, status: 'wrong', detail, advice }
}
