import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseFields } from './validation.ts'

const PLACE = z.strictObject({ latitude: z.number().min(-90), name: z.string().optional() })
const SCHEMA = z.strictObject({ place: PLACE, count: z.int().default(1) })

describe('parseFields', () => {
  it('returns what the schema makes of the input', () => {
    expect(parseFields(SCHEMA, { place: { latitude: 30 } })).toEqual({
      ok: true,
      value: { place: { latitude: 30 }, count: 1 },
    })
  })

  it.each<[string, unknown, string[]]>([
    ['a field that is missing', { count: 2 }, ['place']],
    ['a field of a field', { place: { latitude: -91 } }, ['place.latitude']],
    [
      'fields that are unknown, each',
      { place: { latitude: 1, lat: 1 }, a: 1, b: 2 },
      ['a', 'b', 'place.lat'],
    ],
    ['the body itself', 'text', ['']],
  ])('names %s', (_, input, fields) => {
    const parsed = parseFields(SCHEMA, input)
    expect(parsed.ok ? [] : parsed.errors.map(({ field }) => field).sort()).toEqual(fields.sort())
  })

  it('never repeats a value', () => {
    const parsed = parseFields(SCHEMA, { place: { latitude: 'sk_live_secret' }, count: 'sk_live_secret' })
    expect(JSON.stringify(parsed)).not.toContain('sk_live')
  })

  it('answers thousands of faults with twenty', () => {
    const wrong = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`field${n}`, n]))
    const parsed = parseFields(SCHEMA, wrong)
    expect(parsed.ok ? 0 : parsed.errors.length).toBe(20)
  })
})
