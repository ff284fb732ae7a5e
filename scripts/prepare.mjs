// Makes a fresh clone ready to run: dependencies, Node 24, servers. It is `prestart` and `pretest`, so it has to run on
// the machine's own (older) Node, without node_modules, and to cost next to nothing when everything is there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, delimiter, join, resolve, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')
const STAMP = join(MODULES, '.onceline-lock')
/** The oldest Node that runs TypeScript directly and is still maintained. */
const NODE_MAJOR = 24
const POLL_MS = 100
/** What a nested npm needs to reach its registry. The rest describes the npm that runs us, and would steer the nested one. */
const NPM_SETTINGS =
  /^npm_config_(registry|ca|cafile|strict_ssl|proxy|http_proxy|https_proxy|noproxy|cache|userconfig|globalconfig|offline|prefer_offline|fetch_\w+)$/i
const env = environment()
const IS_FOR_TESTS = env.npm_lifecycle_event === 'pretest'

process.exitCode = await main()

async function main() {
  const unlock = await lockProject()
  try {
    return installDependencies() || checkNode() || installServers() || installTestTools()
  } finally {
    unlock()
  }
}

/** The variables, those of a `.env` file too, so that servers named there are not installed here. */
function environment() {
  const file = join(ROOT, '.env')
  if (existsSync(file)) process.loadEnvFile?.(file)
  return process.env
}

/** `npm start` and `npm test` at the same time must not install over each other. The kernel frees the lock with us. */
async function lockProject() {
  if (process.platform !== 'linux') return () => {}
  const name = `\0onceline-prepare-${createHash('sha256').update(ROOT).digest('hex')}`
  for (;;) {
    const server = createServer()
    const taken = await new Promise((done) => {
      server.once('error', () => done(false))
      server.listen(name, () => done(true))
    })
    if (taken) return () => server.close()
    await sleep(POLL_MS)
  }
}

/** Runs `npm ci` when node_modules is not what package-lock.json says. Returns an exit code. */
function installDependencies() {
  const wanted = wantedStamp()
  if (isInstalled(wanted)) return 0
  if (!agreesWithLock(wanted.dev)) {
    say('installing dependencies (npm ci)')
    const args = [
      'ci',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...(wanted.dev ? ['--include=dev'] : ['--omit=dev']),
    ]
    const [program, first] = npmCommand()
    const result = spawnSync(program, [...first, ...args], {
      cwd: ROOT,
      env: npmEnv(),
      stdio: ['ignore', 2, 2],
    })
    if (result.status !== 0) {
      return fail(`npm ci failed (${result.error?.message ?? `exit ${result.status ?? result.signal}`}).`)
    }
  }
  // The stamp comes last and whole: without it the next start looks again.
  mkdirSync(MODULES, { recursive: true })
  writeFileSync(`${STAMP}.tmp`, `${JSON.stringify(wanted)}\n`)
  renameSync(`${STAMP}.tmp`, STAMP)
  return 0
}

function wantedStamp() {
  const dev = IS_FOR_TESTS || env.NODE_ENV !== 'production'
  return { lock: digest('package-lock.json'), manifest: digest('package.json'), dev }
}

function isInstalled(wanted) {
  const stamp = readJson(STAMP)
  return stamp?.lock === wanted.lock && stamp.manifest === wanted.manifest && (stamp.dev || !wanted.dev)
}

/**
 * Compares the lock file with the one that npm writes into node_modules when it has finished, so that what somebody
 * installed by hand is not installed again.
 */
function agreesWithLock(dev) {
  const lock = readJson(join(ROOT, 'package-lock.json'))?.packages
  const manifest = readJson(join(ROOT, 'package.json'))
  const installed = readJson(join(MODULES, '.package-lock.json'))?.packages
  if (!lock || !manifest || !installed) return false
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies']
  const inStep = kinds.every((kind) => sameText(lock['']?.[kind] ?? {}, manifest[kind] ?? {}))
  const complete = Object.entries(lock).every(([path, entry]) => {
    if (path === '') return true
    const there = installed[path]
    if (there === undefined) return entry.optional === true || (!dev && entry.dev === true)
    return there.version === entry.version && there.integrity === entry.integrity
  })
  return inStep && complete && Object.keys(installed).every((path) => lock[path] !== undefined)
}

/** The very npm that runs us with the Node it runs on; else the npm on PATH. Never the Node that npm is about to replace. */
function npmCommand() {
  const script = env.npm_execpath ?? ''
  const node = env.npm_node_execpath ?? ''
  const isNpm = basename(script) === 'npm-cli.js' && existsSync(script) && existsSync(node)
  return isNpm && !node.startsWith(MODULES + sep) ? [node, [script]] : ['npm', []]
}

function npmEnv() {
  const kept = Object.entries(env).filter(([name]) => !/^npm_/i.test(name) || NPM_SETTINGS.test(name))
  const path = (env.PATH ?? '').split(delimiter).filter((dir) => resolve(dir) !== join(MODULES, '.bin'))
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) }
}

/** npm stays silent when it was not allowed to run the `node` package's install script; TypeScript would fail later. */
function checkNode() {
  const result = spawnSync(nodeProgram(), ['--version'], { encoding: 'utf8' })
  const version = result.stdout?.trim() || 'none'
  if (Number.parseInt(version.slice(1), 10) >= NODE_MAJOR) return 0
  return fail(
    `Onceline runs on Node ${NODE_MAJOR} or newer, which npm brings as the package "node", but found ${version}.
npm was probably not allowed to run that package's install script (ignore-scripts). Allow it, then: npm ci`,
  )
}

/** The servers of the embedded data host, unless others are named. */
function installServers() {
  if (env.DB_HOST && env.REDIS_HOST) return 0
  const dataDir = resolve(ROOT, env.DATA_DIR || '.data')
  if (seesServers(dataDir)) return 0
  const script = join(ROOT, 'db/embedded/install.ts')
  const result = spawnSync(nodeProgram(), [script, '--data-dir', dataDir], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  })
  return result.status ?? 1
}

/** A glance at the usual places, since asking db/embedded/install.ts costs 200 ms; it decides when we see nothing. */
function seesServers(dataDir) {
  const roots = [join(dataDir, 'root/usr'), join(ROOT, '.data/root/usr'), '/usr', '/usr/local']
  const dirs = roots.flatMap((root) => [join(root, 'sbin'), join(root, 'bin')])
  const sees = (names) => dirs.some((dir) => names.some((name) => existsSync(join(dir, name))))
  return sees(['mariadbd', 'mysqld']) && sees(['redis-server'])
}

/** For one suite each, which says itself that it did not run where its tool cannot be had. Never fails. */
function installTestTools() {
  if (!IS_FOR_TESTS) return 0
  const script = join(ROOT, 'scripts/install-test-tool.ts')
  for (const tool of ['php', 'chromium']) {
    const isOnPath = (env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, tool)))
    if (isOnPath || existsSync(join(ROOT, `.data/${tool}-root`))) continue
    spawnSync(nodeProgram(), [script, tool], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  }
  return 0
}

function nodeProgram() {
  const own = join(MODULES, '.bin/node')
  return existsSync(own) ? own : process.execPath
}

function digest(name) {
  const path = join(ROOT, name)
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'none'
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Key order does not matter to npm. */
function sameText(left, right) {
  return JSON.stringify(Object.entries(left).sort()) === JSON.stringify(Object.entries(right).sort())
}

function say(line) {
  console.error(`onceline: ${line}`)
}

function fail(line) {
  say(line)
  return 1
}
