import { expect, test } from 'vitest';
import { healthyStatus, sampleNode, sampleVm } from '../testing/sample-views.ts';
import { topOf } from './top.ts';

const status = {
  ...healthyStatus,
  nodes: [sampleNode({ name: 'node-1' }), sampleNode({ name: 'node-2' })],
  vms: [
    sampleVm({ name: 'small', usage: { cpus: 0.1, memoryMiB: 300 } }),
    sampleVm({ name: 'busy', usage: { cpus: 1.25, memoryMiB: 200 } }),
    sampleVm({ name: 'fresh', usage: null }),
    sampleVm({ name: 'off', node: null, permit: null, usage: null }),
  ],
};

test('who uses most comes first, and what is not measured last', () => {
  expect(topOf(status, 'cpu').vms.map((vm) => vm.name)).toEqual(['busy', 'small', 'fresh']);
  expect(topOf(status, 'memory').vms.map((vm) => vm.name)).toEqual(['small', 'busy', 'fresh']);
});

test('a node uses what its VMs do; nothing is said of one whose VMs are not measured, and one without any uses nothing', () => {
  const [first, second] = topOf(status, 'cpu').nodes;
  expect(first).toMatchObject({
    name: 'node-1',
    vms: 3,
    cpus: { used: 1.35, booked: 6, has: 32 },
    memoryMiB: { used: 500, booked: 8192, has: 65_536 },
  });
  expect(second).toMatchObject({ name: 'node-2', vms: 0, cpus: { used: 0 } });
  const fresh = sampleVm({ name: 'fresh', node: 'node-2', usage: null });
  const [, waiting] = topOf({ ...status, vms: [fresh] }, 'cpu').nodes;
  expect(waiting).toMatchObject({ vms: 1, cpus: { used: null }, memoryMiB: { used: null } });
});
