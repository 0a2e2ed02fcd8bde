import { expect, test } from 'vitest';
import { runRaftGroup } from './raft-group.ts';

test('consensus without a planted defect breaks no rule in random groups', () => {
  const broken = Array.from({ length: 150 }, (_, seed) => runRaftGroup(seed + 1));
  expect(broken.filter((one) => one !== null)).toEqual([]);
});

test('a seed is always the same run', () => {
  expect(runRaftGroup(7)).toBe(runRaftGroup(7));
});
