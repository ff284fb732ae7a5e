import type { Bin } from '../statistics.ts'
import { html, type Markup } from './markup.ts'

// Charts as SVG: they scale with the page, and take their colours from its style sheet.

const WIDTH = 640
const HEIGHT = 240
const LEFT = 46
const RIGHT = 24
const TOP = 12
const BOTTOM = 34
const INNER = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }

/** A line under a chart, and beside it. */
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
  const minutes = ticksOf(xs.at(-1) ?? 0, 8).map((value) => ({ at: x(value), word: String(value) }))
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
  const lines = percents.map((value) => gridLine(y(value / 100), `${value} %`))
  const ticks = percents.map((value) => ({ at: x(value / 100), word: `${value} %` }))
  return chart(
    labels,
    [
      ...lines,
      html`<line class="even" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>`,
      html`<polyline class="curve" points="${path}"/>`,
    ],
    ticks,
    html``,
  )
}

/** How many lie in each bin. `word` says a bin's beginning. */
export function barChart(labels: Labels, bins: readonly Bin[], word: (value: number) => string): Markup {
  const scale = scaleOf(Math.max(1, ...bins.map(({ count }) => count)))
  const y = (value: number) => TOP + INNER.height * (1 - value / scale.top)
  const width = INNER.width / Math.max(1, bins.length)
  const bars = bins.map(({ from, to, count }, index) => {
    const left = LEFT + index * width
    return html`<rect class="bar" x="${left + width * 0.06}" y="${y(count)}" width="${width * 0.88}" height="${TOP + INNER.height - y(count)}"><title>${word(from)} to ${word(to)}: ${count}</title></rect>`
  })
  const every = Math.max(1, Math.ceil(bins.length / 12))
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

/** A square map, north above. */
export function mapChart(
  title: string,
  sizeMeters: number,
  dots: readonly Dot[],
  kinds: readonly Omit<Layer, 'values'>[],
): Markup {
  const side = 420
  const place = (meters: number) => (meters / sizeMeters + 0.5) * side
  const marks = dots.map(
    ({ x, y, kind }) => html`<circle class="fill-${kind}" cx="${place(x)}" cy="${place(-y)}" r="3.2"/>`,
  )
  const lines = Array.from({ length: 11 }, (_, index) => ((index + 1) * side) / 12).map(
    (at) =>
      html`<line class="grid" x1="${at}" y1="0" x2="${at}" y2="${side}"/><line class="grid" x1="0" y1="${at}" x2="${side}" y2="${at}"/>`,
  )
  return html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${side} ${side}" class="map" role="img" aria-label="${title}"><rect class="ground" width="${side}" height="${side}"/>${lines}${marks}</svg>
${legend(kinds)}<p class="hint">The lines are a kilometre apart.</p></figure>`
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
      html`<text class="tick" x="${at}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle">${word}</text>`,
  )
  return html`<figure><figcaption>${labels.title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${labels.title}">${inside}${words}
<text class="label" x="${LEFT + INNER.width}" y="${HEIGHT - 4}" text-anchor="end">${labels.across}</text>
<text class="label" x="${LEFT}" y="${HEIGHT - 4}">${labels.up}</text></svg>${below}</figure>`
}

function legend(layers: readonly Omit<Layer, 'values'>[]): Markup {
  const entries = layers.map(({ name, kind }) => html`<li><i class="key-${kind}"></i>${name}</li>`)
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
