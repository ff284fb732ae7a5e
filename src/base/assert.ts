/** A promise of our own code was broken: a bug, never something that a gateway, a user or the network can cause. */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant'
}

/** Throws BrokenInvariant unless the condition holds. For bugs only: what can go wrong in operation is a value or a typed error. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message)
}

/** Ends an exhaustive switch: a member that was forgotten fails to compile here, one that no type knows throws BrokenInvariant. */
export function assertNever(value: never): never {
  throw new BrokenInvariant(`unexpected member: ${String(value)}`)
}
