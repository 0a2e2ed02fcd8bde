import { expect, test } from 'vitest';
import { preflight } from './preflight.ts';
import type { MachineView } from './preflight.ts';

const complete: MachineView = {
  platform: 'linux',
  root: true,
  controlGroup: 'writable',
  controlGroupKill: true,
  has: () => true,
};

test('a machine that has everything lacks nothing', () => {
  expect(preflight(complete)).toEqual([]);
});

test('everything that is missing is named at once, with what helps', () => {
  const has = (program: string): boolean => program !== 'ipmi_sim' && program !== 'ld';
  const missing = preflight({ ...complete, root: false, has });
  expect(missing.map((piece) => piece.what)).toEqual(['root', 'ipmi_sim', 'ld']);
  expect(missing[1]?.try).toBe('apt-get install openipmi');
});

test('an old kernel lacks cgroup.kill, a container lacks a writable tree', () => {
  const what = (machine: MachineView): readonly string[] =>
    preflight(machine).map((piece) => piece.what);
  expect(what({ ...complete, controlGroupKill: false })).toEqual(['cgroup.kill']);
  expect(what({ ...complete, controlGroup: 'readOnly' })).toEqual(['a writable cgroup v2']);
  expect(what({ ...complete, controlGroup: 'absent' })).toEqual(['cgroup v2']);
});

test('another system than Linux is told only that', () => {
  const missing = preflight({ ...complete, platform: 'darwin', root: false, has: () => false });
  expect(missing.map((piece) => piece.what)).toEqual(['Linux']);
});
