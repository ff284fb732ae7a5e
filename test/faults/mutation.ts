import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { mutantNamed } from './mutants.ts'

// Loaded before a server (`--import`): puts the defect that MUTANT names into the files that it loads.

const ROOT = pathToFileURL(`${import.meta.dirname}/../../`)
const edits = mutantNamed(process.env.MUTANT ?? '').edits ?? []

registerHooks({
  load(url, context, nextLoad) {
    const own = edits.filter(({ file }) => url === new URL(file, ROOT).href)
    const loaded = nextLoad(url, context)
    if (own.length === 0) return loaded
    let source = String(loaded.source)
    for (const { file, from, to } of own) {
      if (source.split(from).length !== 2) throw new Error(`${file} has not this once: ${from}`)
      source = source.replace(from, () => to)
    }
    return { ...loaded, source }
  },
})
