import type { Point } from '../city.ts'
import type { Picture } from './picture.ts'

export type Paint = (colour: keyof typeof COLOURS, text: string) => string

const COLOURS = { dim: 2, bold: 1, red: 31, green: 32, yellow: 33, blue: 34 } as const

/** Colours for people at a terminal only. */
export function painter(isColoured: boolean): Paint {
  return (colour, text) => (isColoured ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text)
}

const COLUMNS = 60
const ROWS = 22
const BAR = 40

/** The city as a map with what stands beside it, as lines. Pure. */
export function boardOf(picture: Picture, paint: Paint): readonly string[] {
  const map = mapOf(picture, paint)
  const words = wordsOf(picture, paint)
  const rule = paint('dim', `+${'-'.repeat(COLUMNS)}+`)
  return [
    barOf(picture, paint),
    rule,
    ...map.map((row, index) => `${paint('dim', '|')}${row}${paint('dim', '|')}  ${words[index] ?? ''}`),
    rule,
  ]
}

/** The same in one line, for logs. */
export function lineOf({ moment, totalMs, ...seen }: Picture): string {
  const pickup = seen.meanPickupMeters === null ? '-' : `${(seen.meanPickupMeters / 1_000).toFixed(2)} km`
  return (
    `${clockOf(moment.atMs)} of ${clockOf(totalMs)}  ${seen.requests} requests, ${seen.matched} matched, ${seen.completed} ` +
    `completed, ${seen.unserved} not; ${moment.waiting} wait; drivers: ${moment.idle} idle, ${moment.toPickup} to pickup, ` +
    `${moment.riding} riding, ${moment.away} away; pickup ${pickup}`
  )
}

function barOf({ moment, totalMs }: Picture, paint: Paint): string {
  const part = Math.min(1, moment.atMs / totalMs)
  const full = Math.round(part * BAR)
  const bar = paint('green', '━'.repeat(full)) + paint('dim', '━'.repeat(BAR - full))
  return ` ${bar}  ${clockOf(moment.atMs)} of ${clockOf(totalMs)}`
}

type Mark = keyof typeof MARKS
const MARKS = {
  idle: ['·', 'blue'],
  to_pickup: ['>', 'yellow'],
  riding: ['#', 'green'],
  waiting: ['o', 'red'],
} as const
/** What is seen where several are in one place: the last of these. */
const ORDER: readonly Mark[] = ['idle', 'riding', 'to_pickup', 'waiting']

function mapOf({ cars, waiting, sizeMeters }: Picture, paint: Paint): readonly string[] {
  const cells = new Map<number, Mark>()
  const set = (point: Point, mark: Mark) => {
    const cell = cellOf(point, sizeMeters)
    const there = cells.get(cell)
    if (there === undefined || ORDER.indexOf(mark) > ORDER.indexOf(there)) cells.set(cell, mark)
  }
  for (const { point, doing } of cars) if (doing !== 'away') set(point, doing)
  for (const point of waiting) set(point, 'waiting')
  return Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => {
      const mark = cells.get(row * COLUMNS + column)
      return mark === undefined ? ' ' : paint(MARKS[mark][1], MARKS[mark][0])
    }).join(''),
  )
}

/** North is above. */
function cellOf({ x, y }: Point, sizeMeters: number): number {
  const place = (meters: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor((meters / sizeMeters + 0.5) * count)))
  return place(-y, ROWS) * COLUMNS + place(x, COLUMNS)
}

function wordsOf({ moment, ...seen }: Picture, paint: Paint): readonly string[] {
  const row = (label: string, value: string) => `${paint('dim', label.padEnd(14))}${value.padStart(7)}`
  const legend = (mark: Mark, label: string, count: number) =>
    `${paint(MARKS[mark][1], MARKS[mark][0])} ${paint('dim', label.padEnd(12))}${String(count).padStart(7)}`
  const known = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits))
  return [
    paint('bold', 'riders'),
    legend('waiting', 'waiting', moment.waiting),
    row('requests', String(seen.requests)),
    row('matched', String(seen.matched)),
    row('completed', String(seen.completed)),
    row('not served', String(seen.unserved)),
    '',
    paint('bold', 'drivers'),
    legend('idle', 'idle', moment.idle),
    legend('to_pickup', 'to pickup', moment.toPickup),
    legend('riding', 'riding', moment.riding),
    row('  away', String(moment.away)),
    '',
    paint('bold', 'on average'),
    row('pickup, km', known(seen.meanPickupMeters === null ? null : seen.meanPickupMeters / 1_000, 2)),
    row('match, s', known(seen.meanMatchSeconds, 1)),
  ]
}

/** 12:05 */
function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}
