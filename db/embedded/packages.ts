import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { diesWithUs } from './processes.ts'

/** Debian's tools said no; the message carries the tool and the end of what it printed. */
export class PackageError extends Error {
  override readonly name = 'PackageError'
}

/** What to unpack and where; `root` appears whole or not at all. */
export interface PackageOrder {
  readonly root: string
  readonly packages: readonly string[]
  readonly log: (line: string) => void
}

const DEBIAN_KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.pgp',
  '/usr/share/keyrings/debian-archive-keyring.gpg',
]
/** Enough of a tool's last words to see the reason. */
const OUTPUT_TAIL_CHARS = 2_000

/** Whether this machine has Debian's package tools. They need neither root nor a running service for what we do. */
export function hasDebianTools(): boolean {
  return ['apt-get', 'dpkg-deb'].every((tool) => existsSync(`/usr/bin/${tool}`))
}

/**
 * Unpacks packages of the machine's own release, with every dependency that the machine lacks, as an ordinary user.
 * Works without the machine's package lists. Throws PackageError.
 */
export async function unpackMachinePackages(order: PackageOrder): Promise<void> {
  await build(order, async (workDir) => {
    const options = aptOptions(workDir, 'apt')
    const complaints = await updateLists(options)
    await downloadClosure(options, await availableNames(options, order.packages), complaints)
    return archivesOf(workDir, 'apt')
  })
}

/**
 * Unpacks packages of Debian's unstable suite with their whole dependency closure, the C library included, from the
 * mirror the machine already uses for Debian. Signatures are checked against the installed keyring. Throws PackageError.
 */
export async function unpackUnstablePackages(order: PackageOrder): Promise<void> {
  await build(order, async (workDir) => {
    const machine = aptOptions(workDir, 'machine')
    await updateLists(machine)
    const mirror = await debianMirror(machine)
    const keyring = DEBIAN_KEYRINGS.find((path) => existsSync(path))
    const signedBy = keyring === undefined ? '' : `[signed-by=${keyring}] `
    writeFileSync(join(workDir, 'unstable.list'), `deb ${signedBy}${mirror} sid main\n`)
    writeFileSync(join(workDir, 'status'), '')
    const options = [
      ...aptOptions(workDir, 'unstable'),
      ...[
        '-o',
        `Dir::Etc::sourcelist=${join(workDir, 'unstable.list')}`,
        '-o',
        'Dir::Etc::sourceparts=/dev/null',
      ],
      // An empty status makes apt name every dependency; the machine's pins and default release must not hide unstable.
      ...['-o', `Dir::State::status=${join(workDir, 'status')}`, '-o', 'APT::Default-Release='],
      ...['-o', 'Dir::Etc::preferences=/dev/null', '-o', 'Dir::Etc::preferencesparts=/dev/null'],
    ]
    await downloadClosure(options, order.packages, await updateLists(options))
    return archivesOf(workDir, 'unstable')
  })
}

/** A half-built root lives under another name, so that a `kill -9` leaves nothing that looks finished. */
async function build(order: PackageOrder, download: (workDir: string) => Promise<string[]>): Promise<void> {
  removeLeftovers(order.root)
  const workDir = mkdtempSync(`${order.root}.tmp-`)
  try {
    order.log(`fetching ${order.packages.join(', ')} with apt-get into ${order.root} (no root, no service)`)
    const tree = join(workDir, 'tree')
    for (const archive of await download(workDir)) await run('dpkg-deb', ['-x', archive, tree])
    finish(tree)
    rmSync(order.root, { recursive: true, force: true })
    renameSync(tree, order.root)
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
}

/** A tool that outlived its killed parent may still be writing there; what cannot be removed now is so the next time. */
function removeLeftovers(root: string): void {
  mkdirSync(dirname(root), { recursive: true, mode: 0o700 })
  for (const name of readdirSync(dirname(root))) {
    if (!name.startsWith(`${basename(root)}.tmp-`)) continue
    try {
      rmSync(join(dirname(root), name), { recursive: true, force: true, maxRetries: 3, retryDelay: 100 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    }
  }
}

function finish(tree: string): void {
  // Debian's redis-server is this very program under another name; the package with the link also has a service.
  const redis = join(tree, 'usr/bin/redis-server')
  if (existsSync(join(tree, 'usr/bin/redis-check-rdb')) && !existsSync(redis))
    symlinkSync('redis-check-rdb', redis)
  for (const unread of ['doc', 'man', 'locale']) {
    rmSync(join(tree, 'usr/share', unread), { recursive: true, force: true })
  }
}

function aptOptions(workDir: string, name: string): string[] {
  const lists = join(workDir, name, 'lists')
  const cache = join(workDir, name, 'cache')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  mkdirSync(join(cache, 'archives/partial'), { recursive: true })
  const settings = [
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${cache}`,
    // Nothing of the machine is changed, so its locks are not needed, nor is the download user that only root may become.
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::Retries=3',
  ]
  return settings.flatMap((setting) => ['-o', setting])
}

/**
 * One source of the machine that cannot be reached must not stop the others, and apt does not call that a failure either.
 * Returns what apt complained of, for the message when a package is missing later.
 */
async function updateLists(options: readonly string[]): Promise<string> {
  const { told } = await run('apt-get', [...options, '-q', 'update']).catch((error: unknown) => {
    if (error instanceof PackageError) return { told: error.message }
    throw error
  })
  return told
    .split('\n')
    .filter((line) => /^[EW]: /.test(line))
    .join('\n')
}

async function downloadClosure(
  options: readonly string[],
  packages: readonly string[],
  complaints: string,
): Promise<void> {
  const how = ['-q', '-y', '--no-install-recommends', '--download-only']
  try {
    await run('apt-get', [...options, ...how, 'install', ...packages])
  } catch (error) {
    if (!(error instanceof PackageError) || complaints === '') throw error
    throw new PackageError(`${error.message}\nBefore that, apt-get update said:\n${complaints}`)
  }
}

/** Older releases carry the version in the name of the package: mariadb-server-core-10.6. */
async function availableNames(options: readonly string[], packages: readonly string[]): Promise<string[]> {
  const names: string[] = []
  for (const name of packages) {
    const listed = (await run('apt-cache', [...options, 'pkgnames', name])).output.split('\n')
    const versioned = listed.filter((line) => /^-\d+\.\d+$/.test(line.slice(name.length))).sort()
    names.push(listed.includes(name) ? name : (versioned.at(-1) ?? name))
  }
  return names
}

/** The machine's sources already name a mirror that it may reach; no mirror is named here. */
async function debianMirror(options: readonly string[]): Promise<string> {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)'
  const targets = (await run('apt-get', [...options, 'indextargets', '--format', format])).output.split('\n')
  const mirror = targets
    .find((line) => line.startsWith('Debian|Debian|main|'))
    ?.split('|')
    .at(-1)
  if (mirror === undefined)
    throw new PackageError("the machine's package sources name no Debian mirror that answers")
  return mirror
}

function archivesOf(workDir: string, name: string): string[] {
  const dir = join(workDir, name, 'cache/archives')
  return readdirSync(dir)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(dir, file))
}

/** Runs a tool with the machine's own environment (its proxy settings) and returns its output and all it told. */
function run(tool: string, args: readonly string[]): Promise<{ output: string; told: string }> {
  return new Promise((resolve, reject) => {
    const [program, ...rest] = diesWithUs([tool, ...args], 'TERM')
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let told = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
      told += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk
    })
    child.on('error', (error) => reject(new PackageError(`${tool} could not be started: ${error.message}`)))
    child.on('close', (code) => {
      if (code === 0) resolve({ output, told })
      else reject(new PackageError(`${tool} ended with ${code}:\n${told.slice(-OUTPUT_TAIL_CHARS).trim()}`))
    })
  })
}
