#!/usr/bin/env node
// Plain JavaScript that an older Node can read too: the machine's own may be one that does not run TypeScript. It then
// hands over to the Node that came with the dependencies, and behaves as if it were that process.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

/** The oldest Node that runs TypeScript directly and is still maintained. */
const NODE_MAJOR = 24
const OWN_NODE = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
/** What a terminal, a supervisor or a closed window sends. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP']

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) {
  // Halves the processor time of a short command: compiled modules, the stripped TypeScript too, are kept for the next.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/onceline', import.meta.url)))
  if (existsSync('.env')) process.loadEnvFile('.env')
  const { run } = await import('../src/cli/onceline.ts')
  process.exitCode = await run(process.argv.slice(2))
} else if (existsSync(OWN_NODE)) {
  handOver()
} else {
  console.error(
    `onceline: needs Node ${NODE_MAJOR} or newer, and this is ${process.versions.node}. Run: npm ci`,
  )
  process.exitCode = 1
}

function handOver() {
  const self = fileURLToPath(import.meta.url)
  const child = spawn(OWN_NODE, [...process.execArgv, self, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`onceline: ${OWN_NODE} could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    for (const name of PASSED_ON) process.removeAllListeners(name)
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}
