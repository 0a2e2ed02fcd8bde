import { defineConfig } from 'vitest/config';

const real = ['**/*.real.test.ts', '**/*.net.test.ts'];
/** They need an API server of Kubernetes, which `npm run test:kube` builds first. */
const kube = '**/*.kube.test.ts';
const skipped = ['**/node_modules/**', '**/dist/**'];
/** Folders whose real tests build a whole lab, or more than one. */
const labs = '{deploy/lab,test/lab,test/bench}/**/';
/** Minutes of campaigns on a lab: part of the chaos harness's share, not of `npm test`. */
const chaos = 'chaos/real/**';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,agent,fencing,chaos,deploy,test}/**/*.test.ts'],
          exclude: [...skipped, ...real, kube],
          setupFiles: ['test/property-seeds.setup.ts'],
          maxWorkers: '100%',
          testTimeout: 20_000,
          // Hooks run whole sets of scenarios, and machines are shared.
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'parts',
          include: real,
          exclude: [...skipped, `${labs}*`, chaos],
          pool: 'forks',
          // They wait for BMCs, leases and daemons most of the time, and `npm test` runs the labs beside them.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: [`${labs}*.real.test.ts`],
          exclude: skipped,
          pool: 'forks',
          // A lab is three machines: one at a time.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'chaos',
          include: [`${chaos}/*.real.test.ts`],
          exclude: skipped,
          pool: 'forks',
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          // `npm run lab:watchdog`: each case boots a guest without KVM, half a minute of a whole processor.
          name: 'watchdog',
          include: ['test/watchdog/*.lab.ts'],
          exclude: skipped,
          pool: 'forks',
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'kube',
          include: [kube],
          exclude: skipped,
          pool: 'forks',
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
