import type { Figures } from '../figures.ts'
import type { Invariant } from '../invariants.ts'
import type { Outcome } from '../run.ts'
import { citySettings } from '../service/city-settings.ts'
import type { Spread } from '../statistics.ts'
import { areaChart, barChart, mapChart, shareChart } from './charts.ts'
import { html, joined, type Markup, trusted } from './markup.ts'
import { STYLE } from './style.ts'

const CITY_METERS = 12_000

/** The report as one HTML file that needs no other. Pure. */
export function pageOf(outcome: Outcome): string {
  const { options, figures, invariants } = outcome
  const title = `${options.policy}: ${options.drivers} drivers, ${options.requests} requests a minute`
  const holds = invariants.every((one) => one.holds)
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Onceline simulation, ${title}</title><style>${trusted(STYLE)}</style></head><body>
<h1>${title}</h1>
<p class="sub">${options.minutes} minutes of a city of 12 × 12 km, seed ${options.seed}, ${options.speed} times as fast as the clock,
through the WebSockets of ${options.processes} Onceline processes; all took ${Math.round(outcome.wallSeconds)} s. Times are the city's, distances by road.</p>
<div class="tiles">${tilesOf(figures)}</div>
<h2>Invariants <span class="${holds ? 'good' : 'bad'}">${holds ? 'all hold' : 'broken'}</span></h2>
${invariantTable(invariants)}
<h2>Through time</h2>
<div class="charts">${throughTime(figures)}</div>
<h2>Riders</h2>
${spreadTable(figures)}
<div class="charts">${riderCharts(outcome)}</div>
<h2>Drivers</h2>
<div class="charts">${driverCharts(figures)}</div>
<h2>What became of it</h2>
${endTables(figures)}
<h2>Settings</h2>
${settingsTable(options)}
${troubleList(outcome)}
</body></html>
`
  return page.html
}

function tilesOf({
  servedPercent,
  pickupMeters,
  pickupSeconds,
  matchSeconds,
  offersPerTrip,
  fairness,
}: Figures) {
  const tile = (value: string, words: string) =>
    html`<div class="tile"><b>${value}</b><span>${words}</span></div>`
  return joined([
    tile(`${servedPercent.toFixed(1)} %`, 'of the decided requests served'),
    tile(km(pickupMeters?.mean), 'to the pickup, mean'),
    tile(minutes(pickupSeconds?.mean), 'until the driver is there, mean'),
    tile(seconds(matchSeconds?.mean), 'from request to driver, mean'),
    tile(offersPerTrip === null ? '–' : offersPerTrip.mean.toFixed(2), 'offers a trip, mean'),
    tile(fairness.busyGini.toFixed(2), 'Gini of the drivers’ working time'),
    tile(`${fairness.busyPercent.toFixed(0)} %`, 'of the drivers’ time on rides'),
  ])
}

function invariantTable(invariants: readonly Invariant[]): Markup {
  const rows = invariants.map(({ title, holds, seen, broken }) => {
    const [kind, word] = holds ? ['good', '✔ holds'] : ['bad', '✘ broken']
    const by = broken.map((one) => html`<br><code>${one}</code>`)
    return html`<tr><td class="${kind} mark">${word}</td><td>${title}${by}</td><td>${seen}</td></tr>`
  })
  return tableOf(
    html`<thead><tr><th></th><th>invariant</th><th>looked at</th></tr></thead><tbody>${rows}</tbody>`,
  )
}

/** On a narrow screen the table moves, and not the page. */
function tableOf(inside: Markup): Markup {
  return html`<div class="scroll" tabindex="0"><table>${inside}</table></div>`
}

function throughTime({ timeline }: Figures): Markup {
  const xs = timeline.map(({ atMs }) => atMs / 60_000)
  const values = (key: 'waiting' | 'idle' | 'toPickup' | 'riding' | 'away') =>
    timeline.map((moment) => moment[key])
  return joined([
    areaChart({ title: 'What the drivers do', across: 'minutes of the city', up: 'drivers' }, xs, [
      { name: 'with a rider', kind: 'riding', values: values('riding') },
      { name: 'to the pickup', kind: 'pickup', values: values('toPickup') },
      { name: 'free', kind: 'idle', values: values('idle') },
      { name: 'away: on a break, or without a connection', kind: 'away', values: values('away') },
    ]),
    areaChart(
      { title: 'Riders who wait for a driver to be found', across: 'minutes of the city', up: 'riders' },
      xs,
      [{ name: 'waiting', kind: 'waiting', values: values('waiting') }],
    ),
  ])
}

function spreadTable(figures: Figures): Markup {
  const row = (words: string, spread: Spread | null, show: (value: number | undefined) => string) =>
    html`<tr><td>${words}</td><td class="n">${spread?.count ?? 0}</td>${[spread?.mean, spread?.p50, spread?.p95, spread?.worst].map((value) => html`<td class="n">${show(value)}</td>`)}</tr>`
  const table =
    tableOf(html`<thead><tr><th></th><th class="n">of</th><th class="n">mean</th><th class="n">median</th><th class="n">p95</th><th class="n">worst</th></tr></thead><tbody>
${row('way to the pickup', figures.pickupMeters, km)}
${row('from acceptance to the driver’s arrival', figures.pickupSeconds, minutes)}
${row('from request to driver found', figures.matchSeconds, seconds)}
${row('from request to the driver’s arrival', figures.waitSeconds, minutes)}
${row('offers a trip', figures.offersPerTrip, (value) => (value === undefined ? '–' : value.toFixed(2)))}
</tbody>`)
  return html`${table}<p class="hint">A driver who was still on his way when the city closed counts with as long as that way is.</p><br>`
}

function riderCharts({ figures: { histograms }, rides }: Outcome): Markup {
  const kinds = { completed: 'served', changed_mind: 'left', closed: 'left' } as const
  const dots = rides.map(({ request, end }) => ({
    ...request.pickup,
    kind: end === null ? 'left' : ((kinds as Readonly<Record<string, string>>)[end.how] ?? 'unserved'),
  }))
  return joined([
    barChart(
      { title: 'From request to driver found', across: 'seconds of the city', up: 'trips' },
      histograms.matchSeconds,
      String,
    ),
    barChart(
      { title: 'Way to the pickup', across: 'km by road', up: 'assignments' },
      histograms.pickupMeters,
      (value) => String(value / 1_000),
    ),
    barChart(
      { title: 'Offers a trip', across: 'offers made for a trip', up: 'trips' },
      histograms.offersPerTrip,
      String,
    ),
    mapChart('Where rides were asked for', CITY_METERS, dots, [
      { name: 'served', kind: 'served' },
      { name: 'not served', kind: 'unserved' },
      { name: 'given up by the rider, or waiting at the end', kind: 'left' },
    ]),
  ])
}

function driverCharts({ histograms, fairness }: Figures): Markup {
  const points = fairness.lorenz.map(({ drivers, work }) => ({ x: drivers, y: work }))
  return joined([
    barChart(
      { title: 'Rides a driver', across: 'rides that a driver had', up: 'drivers' },
      histograms.ridesPerDriver,
      String,
    ),
    shareChart(
      {
        title: `How working time is shared (Gini ${fairness.busyGini.toFixed(2)}; of rides ${fairness.ridesGini.toFixed(2)})`,
        across: '% of the drivers, the least busy first',
        up: '% of the working time',
      },
      points,
    ),
  ])
}

const END_WORDS: Readonly<Record<string, string>> = {
  completed: 'driven to the end',
  impatient: 'given up by the rider before a driver was found',
  changed_mind: 'given up by the rider after a driver was found',
  no_drivers: 'nobody near could be asked',
  timed_out: 'nobody took it in time',
  cancelled: 'cancelled otherwise',
  closed: 'waiting when the city closed',
  refused: 'not taken by the service',
}

function endTables({ ends, offersByState, requests, reassigned }: Figures): Markup {
  const rows = (counts: readonly (readonly [string, number])[]) =>
    counts.map(([words, count]) => html`<tr><td>${words}</td><td class="n">${count}</td></tr>`)
  const endRows = Object.entries(ends).map(([how, count]) => [END_WORDS[how] ?? how, count] as const)
  const endRowsAndMore = [...endRows, ['driven by another driver than the first', reassigned] as const]
  const head = (words: string, count: string) =>
    html`<thead><tr><th>${words}</th><th class="n">${count}</th></tr></thead>`
  const offers = Object.entries(offersByState)
  const made = offers.reduce((sum, [, count]) => sum + count, 0)
  return html`<div class="charts">${tableOf(html`${head('requests', String(requests))}<tbody>${rows(endRowsAndMore)}</tbody>`)}
${tableOf(html`${head('offers', String(made))}<tbody>${rows(offers)}</tbody>`)}</div>`
}

/** All that another run needs to be the same, and how the service looked for drivers. */
function settingsTable({ policy, seed, drivers, requests, minutes, speed, processes }: Outcome['options']) {
  const { maxDrivers, searchRadiiMeters, ...times } = citySettings(policy, speed)
  const city = (ms: number) => `${Math.round((ms * speed) / 100) / 10} s`
  const rows: readonly (readonly [string, string])[] = [
    ['policy', policy],
    ['seed', seed],
    ['drivers', String(drivers)],
    ['requests a minute', String(requests)],
    ['minutes', String(minutes)],
    ['speed', `${speed} times the clock`],
    ['processes', String(processes)],
    ['search radii', `${searchRadiiMeters.map((meters) => meters / 1_000).join(', ')} km`],
    ['drivers asked at once', policy === 'broadcast' || policy === 'bidding' ? String(maxDrivers) : '1'],
    policy === 'bidding'
      ? ['drivers may bid for', city(times.biddingMs)]
      : ['a driver may think for', city(times.offerMs)],
    ...(policy === 'batch' ? [['a window every', city(times.windowMs)] as const] : []),
    ['nobody to ask: over after', city(times.noDriversMs)],
    ['nobody takes it: over after', city(times.matchTimeoutMs)],
  ]
  return tableOf(
    html`<tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody>`,
  )
}

const MOST_LINES = 40

function troubleList({ troubles, serviceWords }: Outcome): Markup {
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? html``
      : html`<details><summary>${title}: ${lines.length}</summary>${lines.slice(0, MOST_LINES).map((line) => html`<code>${line}</code><br>`)}</details>`
  return joined([list('What phones met', troubles), list('Warnings of the service', serviceWords)])
}

function km(meters: number | undefined): string {
  return meters === undefined ? '–' : `${(meters / 1_000).toFixed(2)} km`
}

function minutes(value: number | undefined): string {
  return value === undefined ? '–' : `${(value / 60).toFixed(1)} min`
}

function seconds(value: number | undefined): string {
  return value === undefined ? '–' : `${value.toFixed(1)} s`
}
