import { describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { type Load, LoadMonitor, loadOf } from './load.ts'

describe('the load', () => {
  it('rises at its bounds, and falls only when it is clearly better', () => {
    expect(loadOf(99, 'calm')).toBe('calm')
    expect(loadOf(100, 'calm')).toBe('strained')
    expect(loadOf(50, 'strained')).toBe('strained')
    expect(loadOf(49, 'strained')).toBe('calm')
    expect(loadOf(300, 'calm')).toBe('overloaded')
    expect(loadOf(150, 'overloaded')).toBe('overloaded')
    expect(loadOf(149, 'overloaded')).toBe('strained')
    expect(loadOf(10, 'overloaded')).toBe('calm')
  })

  it('does not heed one long pause, and does heed a second of them', () => {
    const changes: Load[] = []
    const monitor = new LoadMonitor({ clock: systemClock, onChange: (load) => changes.push(load) })
    monitor.measured(400)
    expect(changes).toEqual([])
    for (let turn = 0; turn < 10; turn += 1) monitor.measured(400)
    expect(monitor.load).toBe('overloaded')
    for (let turn = 0; turn < 20; turn += 1) monitor.measured(0)
    expect(changes).toEqual(['strained', 'overloaded', 'strained', 'calm'])
  })
})
