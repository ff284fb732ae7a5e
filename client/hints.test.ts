import { expect, it } from 'vitest'
import { listenForHints } from './hints.ts'

function page(visibilityState: string) {
  const document = Object.assign(new EventTarget(), { visibilityState })
  return Object.assign(new EventTarget(), { document })
}

it('wakes when the network comes back, and when the page becomes visible', () => {
  const window = page('visible')
  let woken = 0
  const forget = listenForHints(() => {
    woken += 1
  }, window)
  window.dispatchEvent(new Event('online'))
  window.document.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(2)
  window.document.visibilityState = 'hidden'
  window.document.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(2)
  forget()
  window.document.visibilityState = 'visible'
  window.dispatchEvent(new Event('online'))
  window.document.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(2)
})

it('does nothing where there is no page', () => {
  expect(() => listenForHints(() => undefined, {})()).not.toThrow()
})
