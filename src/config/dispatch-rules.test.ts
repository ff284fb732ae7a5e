import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config.ts'
import { DEFAULT_SETTINGS } from '../matching/dispatch/settings.ts'
import { parseDispatchRules } from './dispatch-rules.ts'
import { radiiUpTo } from './dispatch-settings.ts'

const DOCS = join(import.meta.dirname, '../../docs')

function load(env: Readonly<Record<string, string>>) {
  const loaded = loadConfig(env, { gateways: [], cores: 1 })
  return loaded.ok ? loaded.config.dispatch : loaded.problems
}

function rulesOf(file: unknown) {
  const parsed = parseDispatchRules(JSON.stringify(file), DEFAULT_SETTINGS)
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'))
  return parsed.loaded.rules
}

function problemsOf(file: unknown): readonly string[] {
  const text = typeof file === 'string' ? file : JSON.stringify(file)
  const parsed = parseDispatchRules(text, DEFAULT_SETTINGS)
  return parsed.ok ? [] : parsed.problems.map((problem) => problem.replace(/^DISPATCH_RULES_FILE: /, ''))
}

describe('dispatch by the environment', () => {
  it('has the defaults, and all that is set in their place', () => {
    expect(load({})).toEqual({ settings: DEFAULT_SETTINGS, rulesFile: null })
    const set = load({
      DISPATCH_POLICY: 'nearest',
      DRIVER_SEARCH_RADIUS_KM: '2.5',
      MAX_DRIVERS_TO_NOTIFY: '4',
      DRIVER_MATCH_TIMEOUT_SECONDS: '90',
      DISPATCH_NO_DRIVERS_SECONDS: '30',
      DISPATCH_OFFER_SECONDS: '20',
      DISPATCH_BIDDING_SECONDS: '45',
      DISPATCH_WINDOW_MS: '1000',
      DISPATCH_RETRY_MS: '500',
      DISPATCH_RULES_FILE: ' /etc/onceline/rules.json ',
    })
    expect(set).toEqual({
      settings: {
        ...DEFAULT_SETTINGS,
        policy: 'nearest',
        searchRadiiMeters: [1_000, 2_000, 2_500],
        maxDrivers: 4,
        matchTimeoutMs: 90_000,
        noDriversMs: 30_000,
        offerMs: 20_000,
        biddingMs: 45_000,
        windowMs: 1_000,
        retryMs: 500,
      },
      rulesFile: '/etc/onceline/rules.json',
    })
  })

  it('cuts what is not set to a short time-out, and refuses what is set beyond it', () => {
    expect(load({ DRIVER_MATCH_TIMEOUT_SECONDS: '10' })).toMatchObject({
      settings: { matchTimeoutMs: 10_000, noDriversMs: 10_000, offerMs: 10_000, biddingMs: 10_000 },
    })
    expect(load({ DRIVER_MATCH_TIMEOUT_SECONDS: '10', DISPATCH_OFFER_SECONDS: '11' })).toEqual([
      'DISPATCH_OFFER_SECONDS must be at most DRIVER_MATCH_TIMEOUT_SECONDS',
    ])
  })

  it.each([
    ['DISPATCH_POLICY', 'fastest', 'must be one of nearest, broadcast, batch, bidding'],
    ['DRIVER_SEARCH_RADIUS_KM', '0', 'must be a number from 0.1 to 100'],
    ['DRIVER_SEARCH_RADIUS_KM', '1e2', 'must be a number from 0.1 to 100'],
    ['MAX_DRIVERS_TO_NOTIFY', '101', 'must be a whole number from 1 to 100'],
    ['DISPATCH_OFFER_SECONDS', '2', 'must be a whole number from 3 to 600'],
    ['DISPATCH_WINDOW_MS', '100', 'must be a whole number from 200 to 30000'],
  ])('%s=%s is refused', (name, value, problem) => {
    expect(load({ [name]: value })).toEqual([`${name} ${problem}`])
  })

  it('a search grows in steps up to its last radius', () => {
    expect(radiiUpTo(10)).toEqual(DEFAULT_SETTINGS.searchRadiiMeters)
    expect(radiiUpTo(0.5)).toEqual([500])
    expect(radiiUpTo(4.5)).toEqual([1_000, 2_000, 4_500])
    expect(radiiUpTo(25)).toEqual([1_000, 2_000, 4_000, 7_000, 10_000, 16_000, 25_000])
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 100_000 }), (meters) => {
        const radii = radiiUpTo(meters / 1_000)
        expect(radii.at(-1)).toBe(meters)
        expect(radii.length).toBeLessThanOrEqual(10)
        for (const [index, radius] of radii.entries()) expect(radius).toBeGreaterThan(radii[index - 1] ?? 0)
      }),
    )
  })
})

describe('a rules file', () => {
  it('is overruled by nothing but a closer one: category, zone, defaults, environment', () => {
    const { settingsOf } = rulesOf({
      defaults: { maxDrivers: 8, offerSeconds: 20, weights: { idle: 45 } },
      zones: {
        cairo: {
          policy: 'batch',
          neighbours: ['giza'],
          offerSeconds: 25,
          weights: { age: 3 },
          categories: { car: { offerSeconds: 30, weights: { age: 4 } } },
        },
        giza: {},
      },
    })
    const defaults = {
      ...DEFAULT_SETTINGS,
      maxDrivers: 8,
      offerMs: 20_000,
      weights: { ...DEFAULT_SETTINGS.weights, idle: 45 },
    }
    expect(settingsOf(null, 'car')).toEqual(defaults)
    expect(settingsOf('luxor', 'car')).toEqual(defaults)
    expect(settingsOf('giza', 'car')).toEqual(defaults)
    const cairo = {
      ...defaults,
      policy: 'batch',
      neighbours: ['giza'],
      offerMs: 25_000,
      weights: { ...defaults.weights, age: 3 },
    }
    expect(settingsOf('cairo', 'motorcycle')).toEqual(cairo)
    expect(settingsOf('cairo', 'car')).toEqual({
      ...cairo,
      offerMs: 30_000,
      weights: { ...cairo.weights, age: 4 },
    })
  })

  it('says radii one way or the other, and a fee or none', () => {
    const { settingsOf } = rulesOf({
      defaults: { cancellationFee: { afterSeconds: 60, amountMinor: 500, currency: 'EGP' } },
      zones: { a: { searchRadiiKm: [0.5, 3] }, b: { searchRadiusKm: 3, cancellationFee: null } },
    })
    expect(settingsOf('a', 'car')).toMatchObject({
      searchRadiiMeters: [500, 3_000],
      cancellationFee: { afterMs: 60_000, fee: { amountMinor: 500n, currency: 'EGP' } },
    })
    expect(settingsOf('b', 'car')).toMatchObject({
      searchRadiiMeters: [1_000, 2_000, 3_000],
      cancellationFee: null,
    })
  })

  it('of the documentation is one that loads, as is the one on its page', () => {
    const text = readFileSync(join(DOCS, 'dispatch-rules.example.json'), 'utf8')
    const parsed = parseDispatchRules(text, DEFAULT_SETTINGS)
    if (!parsed.ok) throw new Error(parsed.problems.join('\n'))
    const { settingsOf } = parsed.loaded.rules
    expect(settingsOf('cairo', 'motorcycle')).toMatchObject({ policy: 'nearest', neighbours: ['giza'] })
    const onPage = /## Configuration.*?```json\n(.*?)```/s.exec(
      readFileSync(join(DOCS, 'matching.md'), 'utf8'),
    )?.[1]
    expect(problemsOf(onPage ?? '')).toEqual([])
  })

  it('names what is wrong by its path', () => {
    expect(
      problemsOf({
        default: {},
        defaults: { neighbours: ['a'] },
        zones: {
          cairo: { offerSeconds: 2.5, weights: { idel: 3 }, categories: { car: { policy: 'batched' } } },
          'the zone': { maxDrivers: 3 },
          'a.b': { route: { speedKmh: 0 }, neighbours: ['a', 'a'] },
          b: { searchRadiiKm: [2, 1], cancellationFee: { amountMinor: 5 }, retryMs: null },
          c: [],
        },
      }).toSorted(),
    ).toEqual(
      [
        'default is unknown; known are defaults, zones',
        `defaults.neighbours is unknown; known are ${LEVEL_FIELDS}`,
        'zones.cairo.offerSeconds must be a whole number from 3 to 600',
        'zones.cairo.weights.idel is unknown; known are declines, idle, age, wait',
        'zones.cairo.categories.car.policy must be one of nearest, broadcast, batch, bidding',
        'zones["the zone"] is no name of 1 to 36 printable ASCII characters',
        'zones["a.b"].route.speedKmh must be a number from 1 to 200',
        'zones["a.b"].neighbours must be at most 20 different ids of zones, of 1 to 36 printable ASCII characters',
        'zones.b.searchRadiiKm must be 1 to 10 ascending numbers from 0.1 to 100',
        'zones.b.cancellationFee.afterSeconds must be a whole number from 0 to 86400',
        'zones.b.cancellationFee.currency must be an active ISO 4217 code in upper case',
        'zones.b.retryMs must be a whole number from 200 to 60000',
        'zones.c must be an object',
      ].toSorted(),
    )
  })

  it('that contradicts itself is refused', () => {
    expect(
      problemsOf({
        defaults: { matchTimeoutSeconds: 90 },
        zones: {
          a: { offerSeconds: 100 },
          b: { matchTimeoutSeconds: 50, categories: { car: { noDriversSeconds: 40, biddingSeconds: 40 } } },
          c: { neighbours: ['c'], searchRadiusKm: 3, searchRadiiKm: [3] },
        },
      }),
    ).toEqual([
      'zones.a.offerSeconds must be at most matchTimeoutSeconds, 90 there; it is 100',
      'zones.b.noDriversSeconds must be at most matchTimeoutSeconds, 50 there; it is 60',
      'zones.b.biddingSeconds must be at most matchTimeoutSeconds, 50 there; it is 60',
      'zones.c must have searchRadiusKm or searchRadiiKm, not both',
      'zones.c.neighbours must not name the zone itself',
    ])
  })

  it('that is none is refused, and whatever it holds never throws', () => {
    for (const text of ['', '{', '{"zones":}']) expect(problemsOf(text)).toEqual(['must be JSON'])
    for (const text of ['[]', '3', 'null', '"x"'])
      expect(problemsOf(text)).toEqual(['its content must be an object'])
    expect(problemsOf('\uFEFF{}')).toEqual([])
    fc.assert(
      fc.property(fc.json(), (text) => {
        problemsOf(text)
        problemsOf(`{"defaults": ${text}, "zones": {"a": ${text}, "b": {"categories": ${text}}}}`)
      }),
    )
  })
})

const LEVEL_FIELDS =
  'policy, searchRadiusKm, searchRadiiKm, maxDrivers, matchTimeoutSeconds, noDriversSeconds, offerSeconds, biddingSeconds, ' +
  'windowMs, retryMs, weights, route, cancellationFee'
