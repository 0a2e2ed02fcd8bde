/** One run of vitest: a file, and of its tests those whose full name contains `only`. */
export interface TestRun {
  readonly project: 'unit' | 'real';
  readonly file: string;
  readonly only?: string;
}

interface ConformanceDriver {
  /** Numbers of members on which it can be run. */
  readonly members: readonly number[];
  suite(members: number): readonly TestRun[];
  /** What is run beside the suite when faults are asked for. */
  faults(members: number): readonly TestRun[];
}

const unit = (name: string, only?: string): TestRun => ({
  project: 'unit',
  file: `test/store/${name}.test.ts`,
  ...(only === undefined ? {} : { only }),
});
const real = (name: string, only?: string): TestRun => ({
  project: 'real',
  file: `test/store/${name}.real.test.ts`,
  ...(only === undefined ? {} : { only }),
});

export type DriverName = 'memory' | 'raft' | 'etcd';

/** The drivers of `npm run store:conformance`. A new driver is one more entry. */
export const conformanceDrivers: Readonly<Record<DriverName, ConformanceDriver>> = {
  memory: {
    members: [1],
    suite: () => [unit('memory')],
    faults: () => [unit('memory-cluster')],
  },
  raft: {
    members: [1, 3, 5],
    suite: (members) => [unit('raft', `raft with ${members} members`)],
    faults: (members) =>
      members === 1
        ? [unit('crash.prop'), unit('damage'), unit('disk-trouble'), unit('kill')]
        : [unit('raft-faults', `members of ${members}`)],
  },
  etcd: {
    members: [1, 3],
    suite: (members) => [real('etcd', `etcd with ${members} members`)],
    faults: (members) => [
      unit('etcd-faults'),
      real('etcd-faults', members === 1 ? 'one member' : 'three members'),
      ...(members === 1 ? [real('etcd-access')] : [real('etcd-linearizable')]),
    ],
  },
};
