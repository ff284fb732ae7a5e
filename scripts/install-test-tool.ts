/**
 * Unpacks a tool that some suite needs, from Debian's packages, into the project's own data folder, as an ordinary user:
 * `install-test-tool.ts php`. Exit code 1, loudly, where it cannot be had; that suite then says that it did not run, and
 * everything else does.
 */
import { join, resolve } from 'node:path'
import { hasDebianTools, PackageError, unpackMachinePackages } from '../db/embedded/packages.ts'

interface TestTool {
  /** Where the programs and libraries are unpacked; `scripts/prepare.mjs` looks for the same folder. */
  readonly root: string
  readonly packages: readonly string[]
  readonly suite: string
}

const DATA = join(resolve(import.meta.dirname, '..'), '.data')

export const TEST_TOOLS = {
  /** PHP's command line. */
  php: { root: join(DATA, 'php-root'), packages: ['php-cli'], suite: 'docs/laravel' },
  /** A browser, with a font, or it would show boxes. */
  chromium: {
    root: join(DATA, 'chromium-root'),
    packages: ['chromium', 'fonts-dejavu-core'],
    suite: 'the playground and of the simulation report',
  },
} as const satisfies Readonly<Record<string, TestTool>>

async function main(name: string | undefined): Promise<number> {
  if (name !== 'php' && name !== 'chromium') {
    console.error(`name one of ${Object.keys(TEST_TOOLS).join(', ')}`)
    return 2
  }
  const { root, packages } = TEST_TOOLS[name]
  if (!hasDebianTools()) return cannotBeHad(name, `this machine has no apt-get and dpkg-deb: install ${name}`)
  try {
    await unpackMachinePackages({ root, packages, log: (line) => console.error(line) })
    return 0
  } catch (error) {
    if (!(error instanceof PackageError)) throw error
    return cannotBeHad(name, error.message)
  }
}

function cannotBeHad(name: keyof typeof TEST_TOOLS, reason: string): number {
  const rule = '!'.repeat(78)
  const loss = `${name.toUpperCase()} COULD NOT BE HAD. The suite of ${TEST_TOOLS[name].suite} will not run.`
  console.error(`${rule}\n${loss}\n${reason}\n${rule}`)
  return 1
}

if (import.meta.main) process.exitCode = await main(process.argv[2])
