import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { TEST_TOOLS } from '../../scripts/install-test-tool.ts'

/** How the browser is started here: the program and the folders of its libraries. */
interface Program {
  readonly path: string
  readonly root: string | null
}

/** The machine's Chromium, else the one that `npm test` unpacked. Undefined where there is none. */
export function findChromium(): Program | undefined {
  const installed = (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'chromium'))
    .find((path) => existsSync(path))
  if (installed !== undefined) return { path: installed, root: null }
  const { root } = TEST_TOOLS.chromium
  const path = join(root, 'usr/lib/chromium/chromium')
  return existsSync(path) ? { path, root } : undefined
}

/** Without its own sandbox, which needs rights that a container and root lack; it opens our own pages alone. */
export function openBrowser({ path, root }: Program): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    env: root === null ? environment() : { ...environment(), ...unpackedEnvironment(root) },
  })
}

function environment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME }
}

function unpackedEnvironment(root: string): Record<string, string> {
  const parents = ['usr/lib', 'lib'].map((path) => join(root, path)).filter((dir) => existsSync(dir))
  const dirs = parents.flatMap((parent) => [
    parent,
    ...readdirSync(parent)
      .filter((dir) => dir.includes('-linux-gnu'))
      .flatMap((dir) => [join(parent, dir), join(parent, dir, 'pulseaudio')]),
  ])
  return { LD_LIBRARY_PATH: dirs.join(':'), FONTCONFIG_PATH: join(root, 'etc/fonts') }
}
