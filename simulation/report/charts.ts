import type { Bin } from '../statistics.ts'
import { html, type Markup } from './markup.ts'

// Charts as SVG: they scale with the page, and take their colours from its style sheet.

const WIDTH = 480
const HEIGHT = 260
const LEFT = 52
const RIGHT = 22
/** Room for what the axis upwards counts. */
const TOP = 32
const BOTTOM = 44
const INNER = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }

/** A chart's title, and what its axes show, with the unit. */
export interface Labels {
  readonly title: string
  readonly across: string
  readonly up: string
}

/** A layer of an area chart, from below; `kind` names its colour. */
export interface Layer {
  readonly name: string
  readonly kind: string
  readonly values: readonly number[]
}

/** Layers over each other, through time. */
export function areaChart(labels: Labels, xs: readonly number[], layers: readonly Layer[]): Markup {
  const tops = stacked(layers)
  const most = Math.max(1, ...(tops.at(-1)?.values ?? []))
  const scale = scaleOf(most)
  const x = (value: number) => LEFT + (value / Math.max(1, xs.at(-1) ?? 1)) * INNER.width
  const y = (value: number) => TOP + INNER.height * (1 - value / scale.top)
  const areas = tops.map(({ kind, name, values, below }) => {
    const up = values.map((value, index) => `${n(x(xs[index] ?? 0))},${n(y(value))}`)
    const down = below.map((value, index) => `${n(x(xs[index] ?? 0))},${n(y(value))}`).toReversed()
    return html`<polygon class="fill-${kind}" points="${[...up, ...down].join(' ')}"><title>${name}</title></polygon>`
  })
  const minutes = ticksOf(xs.at(-1) ?? 0, MOST_TICKS).map((value) => ({ at: x(value), word: String(value) }))
  return chart(labels, [...grid(scale, y), ...areas], minutes, legend(layers))
}

/** One line, from [0, 1] to [0, 1], with the line of evenness. */
export function shareChart(
  labels: Labels,
  points: readonly { readonly x: number; readonly y: number }[],
): Markup {
  const x = (value: number) => LEFT + value * INNER.width
  const y = (value: number) => TOP + INNER.height * (1 - value)
  const path = points.map((point) => `${n(x(point.x))},${n(y(point.y))}`).join(' ')
  const percents = [0, 25, 50, 75, 100]
  const lines = percents.map((value) => gridLine(y(value / 100), String(value)))
  const ticks = percents.map((value) => ({ at: x(value / 100), word: String(value) }))
  return chart(
    labels,
    [
      ...lines,
      html`<line class="even" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>`,
      html`<polyline class="curve" points="${path}"/>`,
    ],
    ticks,
    html`<ul class="legend"><li><i class="key-curve"></i>as it is</li><li><i class="key-even"></i>if all had worked the same</li></ul>`,
  )
}

/** Wider labels would touch each other. */
const MOST_TICKS = 8

/** How many lie in each bin. `word` says a bin's beginning; the last one has all that is more, too. */
export function barChart(labels: Labels, bins: readonly Bin[], word: (value: number) => string): Markup {
  const scale = scaleOf(Math.max(1, ...bins.map(({ count }) => count)))
  const y = (value: number) => TOP + INNER.height * (1 - value / scale.top)
  const width = INNER.width / Math.max(1, bins.length)
  const bars = bins.map(({ from, to, count }, index) => {
    const left = LEFT + index * width
    const end = index === bins.length - 1 ? 'or more' : `to ${word(to)}`
    return html`<rect class="bar" x="${left + width * 0.06}" y="${y(count)}" width="${width * 0.88}" height="${TOP + INNER.height - y(count)}"><title>${word(from)} ${end}: ${count}</title></rect>`
  })
  const every = Math.max(1, Math.ceil(bins.length / MOST_TICKS))
  const ticks = bins
    .map(({ from }, index) => ({ at: LEFT + (index + 0.5) * width, word: word(from), index }))
    .filter(({ index }) => index % every === 0)
  return chart(labels, [...grid(scale, y), ...bars], ticks, html``)
}

/** A dot on a map of the city. */
export interface Dot {
  readonly x: number
  readonly y: number
  readonly kind: string
}

/** Each kind has a shape of its own, or those who see no red and green could not tell them. */
const SHAPES: Readonly<Record<string, Markup>> = {
  served: html`<circle id="mark-served" r="3.2"/>`,
  unserved: html`<path id="mark-unserved" d="M0 -4.6 L4.6 3.6 L-4.6 3.6 Z"/>`,
  left: html`<rect id="mark-left" x="-3" y="-3" width="6" height="6"/>`,
}

/** A square map, north above; `kinds` are those of the shapes. */
export function mapChart(
  title: string,
  sizeMeters: number,
  dots: readonly Dot[],
  kinds: readonly Omit<Layer, 'values'>[],
): Markup {
  const side = 420
  const place = (meters: number) => (meters / sizeMeters + 0.5) * side
  const marks = dots.map(
    ({ x, y, kind }) =>
      html`<use href="#mark-${kind}" class="fill-${kind}" x="${place(x)}" y="${place(-y)}"/>`,
  )
  const lines = Array.from({ length: 11 }, (_, index) => ((index + 1) * side) / 12).map(
    (at) =>
      html`<line class="grid" x1="${at}" y1="0" x2="${at}" y2="${side}"/><line class="grid" x1="0" y1="${at}" x2="${side}" y2="${at}"/>`,
  )
  return html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${side} ${side}" class="map" role="img" aria-label="${title}"><defs>${Object.values(SHAPES)}</defs><rect class="ground" width="${side}" height="${side}"/>${lines}${marks}</svg>
${legend(kinds)}<p class="hint">The lines are ${sizeMeters / 12_000} km apart, north is above.</p></figure>`
}

function stacked(layers: readonly Layer[]) {
  let below: readonly number[] = layers[0]?.values.map(() => 0) ?? []
  return layers.map((layer) => {
    const from = below
    const values = layer.values.map((value, index) => value + (from[index] ?? 0))
    below = values
    return { ...layer, values, below: from }
  })
}

interface Tick {
  readonly at: number
  readonly word: string
}

function chart(labels: Labels, inside: readonly Markup[], ticks: readonly Tick[], below: Markup): Markup {
  const words = ticks.map(
    ({ at, word }) =>
      html`<text class="tick" x="${at}" y="${HEIGHT - BOTTOM + 17}" text-anchor="middle">${word}</text>`,
  )
  return html`<figure><figcaption>${labels.title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${labels.title}">${inside}${words}
<text class="label" x="${LEFT + INNER.width / 2}" y="${HEIGHT - 6}" text-anchor="middle">${labels.across}</text>
<text class="label" x="4" y="16">${labels.up}</text></svg>${below}</figure>`
}

function legend(layers: readonly Omit<Layer, 'values'>[]): Markup {
  const entries = layers.map(
    ({ name, kind }) =>
      html`<li>${SHAPES[kind] === undefined ? html`<i class="key-${kind}"></i>` : html`<svg class="key" viewBox="-5 -5 10 10" aria-hidden="true"><use href="#mark-${kind}" class="fill-${kind}"/></svg>`}${name}</li>`,
  )
  return html`<ul class="legend">${entries}</ul>`
}

interface Scale {
  readonly top: number
  readonly steps: readonly number[]
}

/** Round numbers up to the one above the most. */
function scaleOf(most: number): Scale {
  const step = roundStep(most / 4)
  const top = Math.ceil(most / step) * step
  return { top, steps: Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step) }
}

function ticksOf(most: number, count: number): readonly number[] {
  const step = roundStep(most / count)
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
}

/** 1, 2, 5, 10, 20 … the first that is no less. */
function roundStep(least: number): number {
  for (let power = 1; ; power *= 10)
    for (const digit of [1, 2, 5]) if (digit * power >= least) return digit * power
}

function grid({ steps }: Scale, y: (value: number) => number): readonly Markup[] {
  return steps.map((step) => gridLine(y(step), step.toLocaleString('en-US')))
}

function gridLine(y: number, word: string): Markup {
  return html`<line class="grid" x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}"/><text class="tick" x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${word}</text>`
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10)
}
