import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageOf } from '../../simulation/report/page.ts'
import { findChromium, openBrowser } from '../support/chromium.ts'
import { outcomeOf } from '../support/city-evening.ts'

const program = findChromium()
if (program === undefined)
  console.error('\n!!! There is no Chromium here: the suite of the report did not run.\n')

const SCREENS = [
  { name: 'a desktop, light', width: 1_280, colorScheme: 'light' },
  { name: 'a desktop, dark', width: 1_280, colorScheme: 'dark' },
  { name: 'a phone, light', width: 390, colorScheme: 'light' },
  { name: 'a phone, dark', width: 390, colorScheme: 'dark' },
] as const
/** Of marks of a chart against what is behind them, and of texts (WCAG 2.2, 1.4.11 and 1.4.3). */
const LEAST_CONTRAST = { mark: 3, text: 4.5 }

let browser: Browser
let folder: string
let url: string

beforeAll(async () => {
  if (program === undefined) return
  folder = mkdtempSync(join(tmpdir(), 'onceline-report-'))
  writeFileSync(join(folder, 'report.html'), pageOf(outcomeOf()))
  url = pathToFileURL(join(folder, 'report.html')).href
  browser = await openBrowser(program)
})

afterAll(async () => {
  await browser?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  readonly width: number
  readonly height: number
}

/** What these tests need of the browser's own types, which nothing else here has. */
interface Element {
  readonly textContent: string | null
  getBoundingClientRect(): Box
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
  closest(selector: string): Element | null
}
interface Screen {
  readonly document: { readonly body: Element }
  getComputedStyle(one: Element): {
    readonly fill: string
    readonly color: string
    readonly backgroundColor: string
  }
}

/** What is seen of each chart. */
function chartsOf(page: Page) {
  return page.locator('figure').evaluateAll((all) => {
    const figures = all as unknown as readonly Element[]
    const boxOf = (one: Element) => one.getBoundingClientRect()
    return figures.map((figure) => {
      const frame = boxOf(figure)
      const marks = [...figure.querySelectorAll('svg:not(.key) :is(polygon, polyline, rect.bar, use)')]
      const texts = [...figure.querySelectorAll('text')]
      const isOutside = ({ left, right, top, bottom }: Box) =>
        left < frame.left || right > frame.right || top < frame.top || bottom > frame.bottom
      const meet = (a: Box, b: Box) =>
        a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
      return {
        title: figure.querySelector('figcaption')?.textContent ?? '',
        drawn: marks.filter((mark) => boxOf(mark).width > 0 && boxOf(mark).height > 0).length,
        outside: [...marks, ...texts].filter((one) => isOutside(boxOf(one))).length,
        touching: texts.flatMap((one, at) =>
          texts
            .slice(at + 1)
            .flatMap((two) =>
              meet(boxOf(one), boxOf(two)) ? [`${one.textContent} ${two.textContent}`] : [],
            ),
        ),
        axes: [...figure.querySelectorAll('.label')].length,
        smallestText: Math.min(99, ...texts.map((text) => boxOf(text).height)),
      }
    })
  })
}

/** The contrast of what is painted by these selectors with their figure, the least of each. */
function contrasts(page: Page, selector: string, property: 'fill' | 'color') {
  return page.locator(selector).evaluateAll((found, how) => {
    const all = found as unknown as readonly Element[]
    const screen = globalThis as unknown as Screen
    const light = (color: string) => {
      const [r, g, b] = (color.match(/[\d.]+/g) ?? []).map((part) => {
        const share = Number(part) / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0)
    }
    return all.map((one) => {
      const behind = one.closest('figure') ?? screen.document.body
      const [a, b] = [
        light(screen.getComputedStyle(one)[how]),
        light(screen.getComputedStyle(behind).backgroundColor),
      ]
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    })
  }, property)
}

describe.skipIf(program === undefined).each(SCREENS)('the report on $name', ({ width, colorScheme }) => {
  it('draws every chart, with its axes, in colours that are told from what is behind', async () => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (message) => problems.push(message.text()))
    page.on('request', (request) => request.url() !== url && problems.push(request.url()))
    await page.goto(url)
    const charts = await chartsOf(page)
    expect(charts).toHaveLength(8)
    for (const chart of charts) {
      expect(chart, chart.title).toMatchObject({ outside: 0, touching: [] })
      expect(chart.drawn, chart.title).toBeGreaterThan(0)
      expect(chart.axes, chart.title).toBe(chart.title === 'Where rides were asked for' ? 0 : 2)
      expect(chart.smallestText, chart.title).toBeGreaterThan(10)
    }
    const marks = await contrasts(page, 'figure :is(polygon, rect.bar, use)', 'fill')
    expect(Math.min(...marks)).toBeGreaterThanOrEqual(LEAST_CONTRAST.mark)
    const texts = await contrasts(page, 'figcaption, .legend li, .hint, .sub, th, td', 'color')
    const words = await contrasts(page, 'figure text', 'fill')
    expect(Math.min(...texts, ...words)).toBeGreaterThanOrEqual(LEAST_CONTRAST.text)
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width)
    expect(problems).toEqual([])
    await page.close()
  })
})
