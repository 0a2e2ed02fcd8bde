import { expect, test } from 'vitest';
import { WriteLog } from './write-log.ts';

const vm = 'vm-1';
const disk = 'vm-1/vda';

test('one writer after the other is no overlap, also at the same instant', () => {
  const log = new WriteLog();
  log.begin(disk, { vm, node: 'node-1', token: 1 }, 0)(50);
  log.begin(disk, { vm, node: 'node-2', token: 2 }, 50);
  expect(log.overlaps()).toEqual([]);
  expect(log.writers(disk)).toEqual([{ vm, node: 'node-2', token: 2 }]);
});

test('I1: two nodes that may write to one disk at one time are seen at once', () => {
  const log = new WriteLog();
  const end = log.begin(disk, { vm, node: 'node-1', token: 1 }, 0);
  log.begin(disk, { vm, node: 'node-2', token: 2 }, 40);
  expect(log.overlapCount).toBe(1);
  expect(log.overlaps()[0]).toMatchObject({ disk, fromMs: 40, toMs: null });
  end(70);
  expect(log.overlaps()).toEqual([
    {
      disk,
      first: { disk, writer: { vm, node: 'node-1', token: 1 }, fromMs: 0, toMs: 70 },
      second: { disk, writer: { vm, node: 'node-2', token: 2 }, fromMs: 40, toMs: null },
      fromMs: 40,
      toMs: 70,
    },
  ]);
});

test('S10: a write that lands after its node was fenced meets the next owner', () => {
  const log = new WriteLog();
  const end = log.begin(disk, { vm, node: 'node-1', token: 1 }, 0);
  end(1500);
  log.begin(disk, { vm, node: 'node-2', token: 2 }, 1000);
  expect(log.overlaps()).toMatchObject([{ fromMs: 1000, toMs: 1500 }]);
});

test('two processes for one VM on one node are an overlap as well', () => {
  const log = new WriteLog();
  log.begin(disk, { vm, node: 'node-1', token: 1 }, 0);
  log.begin(disk, { vm, node: 'node-1', token: 1 }, 10);
  expect(log.overlapCount).toBe(1);
});

test('disks do not disturb each other, and an end counts once', () => {
  const log = new WriteLog();
  const end = log.begin('b', { vm, node: 'node-1', token: 1 }, 0);
  log.begin('a', { vm: 'vm-2', node: 'node-2', token: 1 }, 0);
  end(10);
  end(99);
  expect(log.overlaps()).toEqual([]);
  expect(log.disks()).toEqual(['a', 'b']);
  expect(log.intervals('b')).toMatchObject([{ fromMs: 0, toMs: 10 }]);
});
