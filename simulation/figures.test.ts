import { describe, expect, it } from 'vitest'
import { EVENING, outcomeOf } from '../test/support/city-evening.ts'
import { figuresOf } from './figures.ts'
import { pageOf } from './report/page.ts'

describe('the figures of a simulation', () => {
  const figures = figuresOf(EVENING)

  it('count as served what was driven, and leave out who changed his mind or waited at the end', () => {
    expect(figures).toMatchObject({ requests: 6, served: 2, unserved: 2, servedPercent: 50, reassigned: 0 })
    expect(figures.ends).toEqual({ completed: 2, impatient: 1, changed_mind: 1, closed: 1, no_drivers: 1 })
  })

  it('know nothing of what came after the city closed', () => {
    expect(figures.pickupMeters).toMatchObject({ count: 2, mean: 2_000, worst: 3_000 })
    expect(figures.pickupSeconds).toMatchObject({ count: 2, mean: 180, worst: 240 })
    expect(figures.matchSeconds).toMatchObject({ count: 3, mean: 20, worst: 30 })
    expect(figures.waitSeconds).toMatchObject({ count: 1, mean: 130 })
    expect(figures.fairness).toMatchObject({ busyPercent: 12.5, ridesMost: 2, ridesLeast: 0, busyGini: 0.75 })
    expect(figures.fairness.lorenz.at(-1)).toEqual({ drivers: 1, work: 1 })
  })

  it('say of an empty city that there is nothing to say', () => {
    const nothing = { perTrip: [], byState: {} }
    const none = figuresOf({ rides: [], drivers: [], offers: nothing, timeline: [], closedAtMs: 0 })
    expect(none).toMatchObject({ requests: 0, servedPercent: 0, pickupMeters: null, offersPerTrip: null })
  })
})

describe('the report', () => {
  it('is one page that needs nothing from elsewhere and shows no text as markup', () => {
    const page = pageOf(outcomeOf())
    expect(page).not.toMatch(/https?:|src=|@import|url\(/)
    expect(page).not.toContain('<script>')
    expect(page).toContain('seed &#60;1&#62;')
    expect(page).toContain('trip-4: pending &#38; &#34;lost&#34;')
    expect(page).toContain('broken')
    expect(page.match(/<svg viewBox/g)).toHaveLength(8)
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/)
    for (const tag of ['svg', 'table', 'figure', 'div', 'tr', 'td'])
      expect(page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length).toBe(
        page.match(new RegExp(`</${tag}>`, 'g'))?.length,
      )
  })

  it('is written of an empty city, too', () => {
    const nothing = { perTrip: [], byState: {} }
    const empty = figuresOf({ rides: [], drivers: [], offers: nothing, timeline: [], closedAtMs: 0 })
    expect(pageOf(outcomeOf(empty))).not.toMatch(/NaN|undefined|Infinity/)
  })
})
