import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { MUTANTS } from './mutants.ts'

const ROOT = resolve(import.meta.dirname, '../..')

it.each(MUTANTS)('$name has its words where it looks for them', ({ edits = [], sql = [] }) => {
  expect(edits.length + sql.length).toBeGreaterThan(0)
  for (const { file, from } of edits)
    expect(readFileSync(resolve(ROOT, file), 'utf8').split(from), `${file}: ${from}`).toHaveLength(2)
})
