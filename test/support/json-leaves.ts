/** A value that is no object and no list, and the way to it: `['order', 'id']`. */
export interface Leaf {
  readonly path: readonly string[]
  readonly value: unknown
}

export function leavesOf(value: unknown, path: readonly string[] = []): readonly Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }]
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]))
}

/** The same with another leaf. */
export function withLeaf(value: unknown, [name, ...rest]: readonly string[], leaf: unknown): unknown {
  if (name === undefined) return leaf
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  const members = copy as Record<string, unknown>
  members[name] = withLeaf(members[name], rest, leaf)
  return copy
}

/** Every leaf that differs in one bit of a character, one of a number's last digit, or in being true. */
export function flipsOf(value: unknown): readonly unknown[] {
  if (typeof value === 'boolean') return [!value]
  if (typeof value === 'number')
    return [value + 1, value - 1, value * 10, Math.trunc(value / 10)].filter((one) => one !== value)
  if (typeof value !== 'string') return ['x']
  const texts: string[] = []
  for (let at = 0; at < value.length; at += 1)
    for (let bit = 0; bit < 7; bit += 1) {
      const code = value.charCodeAt(at) ^ (1 << bit)
      texts.push(value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1))
    }
  return texts.length > 0 ? texts : ['x']
}
