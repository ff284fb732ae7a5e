/** Lays rows out under their headings: the first column to the left, numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    widths
      .map((width, column) =>
        column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd()
  return [line(headings), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** A count for people: no decimals, groups of three. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A number for people with so many decimals. */
export function decimal(value: number, digits: number): string {
  return value.toFixed(digits)
}
