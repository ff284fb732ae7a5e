import type { Watcher } from '../run.ts'
import { boardOf, lineOf, painter } from './board.ts'
import type { Picture } from './picture.ts'

const LINE_EVERY_MS = 10_000
/** A map needs room. */
const LEAST_COLUMNS = 90
const LEAST_ROWS = 28

/** Shows the city on a terminal, drawn anew each second; elsewhere one line each ten seconds. */
export function watchOn(output: NodeJS.WriteStream, isColoured: boolean): Watcher {
  const { columns = 0, rows = 0 } = output
  const hasMap = output.isTTY === true && columns >= LEAST_COLUMNS && rows >= LEAST_ROWS
  return hasMap ? mapOn(output, isColoured) : linesOn(output)
}

function mapOn(output: NodeJS.WriteStream, isColoured: boolean): Watcher {
  const paint = painter(isColoured)
  let drawn = 0
  return {
    stage: (words) => {
      drawn = 0
      output.write(`${paint('bold', words)}\n`)
    },
    show: (picture: Picture) => {
      const lines = boardOf(picture, paint)
      const back = drawn === 0 ? '' : `\u001b[${drawn}A`
      output.write(`${back}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`)
      drawn = lines.length
    },
  }
}

function linesOn(output: NodeJS.WriteStream): Watcher {
  let saidMs = Number.NEGATIVE_INFINITY
  return {
    stage: (words) => void output.write(`${words}\n`),
    show: (picture) => {
      const nowMs = performance.now()
      if (nowMs - saidMs < LINE_EVERY_MS) return
      saidMs = nowMs
      output.write(`${lineOf(picture)}\n`)
    },
  }
}
