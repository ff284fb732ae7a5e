import { escape as escaped, raw } from 'mysql2/promise'

/** A value that is part of the SQL as it is. */
export type SqlLiteral = ReturnType<typeof raw>

/** An expression in the place of a value. Never what comes from outside. */
export function sqlLiteral(expression: string): SqlLiteral {
  return raw(expression)
}

/** A text that many rows of a statement share: escaped here, once, where every `?` would escape it again. */
export function textLiteral(text: string): SqlLiteral {
  return raw(escaped(text))
}
