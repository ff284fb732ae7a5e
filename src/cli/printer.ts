import { styleText } from 'node:util'
import type { Failure } from './failure.ts'

/** Where a command's words go. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/** A cell; painted after it was padded, so that colours do not shift columns. */
export type Cell = string | { readonly text: string; readonly colour: Colour }

/** Prints one command's answer: JSON for programs, aligned text for people. Control characters of others are made visible. */
export class Printer {
  readonly isJson: boolean
  readonly #streams: Streams
  readonly #isColoured: boolean

  constructor(streams: Streams, isJson: boolean, env: NodeJS.ProcessEnv) {
    this.isJson = isJson
    this.#streams = streams
    this.#isColoured = streams.stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  }

  /** The answer: `value` with --json, otherwise the lines that `text` makes. */
  answer(value: unknown, text: () => readonly string[]): void {
    if (this.isJson) this.#streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    else this.#streams.stdout.write(`${text().join('\n')}\n`)
  }

  /** Bytes as they are; at a terminal, which would obey them, without control characters. */
  raw(bytes: Buffer): void {
    this.#streams.stdout.write(this.#streams.stdout.isTTY ? visible(bytes.toString(), true) : bytes)
  }

  /** What a person should know beside the answer; nothing with --json. */
  note(text: string): void {
    if (!this.isJson) this.#streams.stderr.write(`${text}\n`)
  }

  failure(failure: Failure): void {
    if (this.isJson) {
      this.#streams.stderr.write(`${JSON.stringify({ error: failure })}\n`)
      return
    }
    const problems = (failure.problems ?? []).map((problem) => `  - ${problem}\n`)
    this.#streams.stderr.write(`onceline: ${visible(failure.message)}\n${problems.join('')}`)
  }

  paint(colour: Colour, text: string): string {
    return this.#isColoured ? styleText(colour, text, { validateStream: false }) : text
  }

  /** A line in which others' words stand. */
  line(text: string): string {
    return visible(text)
  }

  /** A table with a heading, or a line that says there is nothing. */
  table(heading: readonly string[], rows: readonly (readonly Cell[])[], nothing: string): string[] {
    if (rows.length === 0) return [nothing]
    const all = [heading.map((text): Cell => ({ text, colour: 'dim' })), ...rows]
    const widths = heading.map((_, column) => Math.max(...all.map((row) => textOf(row[column]).length)))
    return all.map((row) =>
      row
        .map((cell, column) => this.#cell(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }

  /** Names and values, one a line, the values aligned. Null is shown as `-`. */
  facts(pairs: readonly (readonly [name: string, value: Cell | null])[]): string[] {
    const width = Math.max(...pairs.map(([name]) => name.length))
    return pairs.map(
      ([name, value]) => `${this.paint('dim', name.padEnd(width))}  ${this.#cell(value ?? '-', 0)}`,
    )
  }

  #cell(cell: Cell, width: number): string {
    const padded = textOf(cell).padEnd(width)
    return typeof cell === 'string' ? padded : this.paint(cell.colour, padded)
  }
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return ''
  return visible(typeof cell === 'string' ? cell : cell.text)
}

/** References and types were written by others: an escape sequence in them must not reach a terminal. */
function visible(text: string, keepLines = false): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    if (keepLines && (character === '\n' || character === '\t')) return character
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}
