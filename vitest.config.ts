import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

const LIMITS = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...LIMITS,
          name: 'pure',
          include: [
            'src/**/*.test.ts',
            'db/**/*.test.ts',
            'client/**/*.test.ts',
            'bench/**/*.test.ts',
            'simulation/**/*.test.ts',
          ],
          // They leave nothing behind, and half of their time was the loading of the same modules for each file.
          isolate: false,
        },
      },
      {
        test: {
          ...LIMITS,
          name: 'servers',
          include: ['test/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
})
