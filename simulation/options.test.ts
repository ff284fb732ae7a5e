import { describe, expect, it } from 'vitest'
import { parseOptions } from './options.ts'

describe('the options of a simulation', () => {
  it('have defaults, and read rates as people write them', () => {
    expect(parseOptions([])).toEqual({
      ...{
        drivers: 300,
        requests: 40,
        minutes: 10,
        policy: 'batch',
        seed: '1',
        speed: 8,
        processes: 2,
        out: null,
      },
    })
    const asked =
      '--drivers 30 --requests 12.5/min --minutes 30 --policy bidding --seed x --speed 10 --out a.html'
    expect(parseOptions(asked.split(' '))).toMatchObject({
      ...{ drivers: 30, requests: 12.5, minutes: 30, policy: 'bidding', seed: 'x', speed: 10, out: 'a.html' },
    })
  })
})
