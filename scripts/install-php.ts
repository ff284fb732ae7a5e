/**
 * Unpacks Debian's php-cli into the project's own data folder, as an ordinary user, for the suite of docs/laravel. Exit
 * code 1, loudly, where it cannot be had; that suite then says that it did not run, and everything else does.
 */
import { join, resolve } from 'node:path'
import { hasDebianTools, PackageError, unpackMachinePackages } from '../db/embedded/packages.ts'

/** Where the programs and libraries are unpacked; `scripts/prepare.mjs` looks for the same folder. */
export const PHP_ROOT = join(resolve(import.meta.dirname, '..'), '.data/php-root')

async function main(): Promise<number> {
  if (!hasDebianTools())
    return cannotBeHad("this machine has no apt-get and dpkg-deb: install PHP's command line")
  try {
    await unpackMachinePackages({
      root: PHP_ROOT,
      packages: ['php-cli'],
      log: (line) => console.error(line),
    })
    return 0
  } catch (error) {
    if (!(error instanceof PackageError)) throw error
    return cannotBeHad(error.message)
  }
}

function cannotBeHad(reason: string): number {
  const rule = '!'.repeat(78)
  console.error(`${rule}\nPHP COULD NOT BE HAD. The suite of docs/laravel will not run.\n${reason}\n${rule}`)
  return 1
}

if (import.meta.main) process.exitCode = await main()
