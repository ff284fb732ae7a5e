import { DEFAULT_RULES, type DispatchRules } from '../matching/dispatch/settings.ts'
import type { AppOptions } from './options.ts'

/** What finds drivers for trips. */
export interface Dispatch {
  readonly rules: DispatchRules
  /** Looks at these trips at once. Never throws. */
  readonly wake: (tripIds: readonly string[]) => void
}

export function openDispatch(options: AppOptions): Dispatch {
  return { rules: options.dispatchRules ?? DEFAULT_RULES, wake: () => undefined }
}
