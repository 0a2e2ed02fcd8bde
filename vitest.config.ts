import { defineConfig } from 'vitest/config';

const real = ['**/*.real.test.ts', '**/*.net.test.ts'];
const skipped = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,agent,fencing,chaos,deploy,test}/**/*.test.ts'],
          exclude: [...skipped, ...real],
          testTimeout: 20_000,
          // Hooks run whole sets of scenarios, and machines are shared.
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'real',
          include: real,
          exclude: skipped,
          pool: 'forks',
          // Real tests own namespaces, BMC ports and a lab: one file at a time.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
