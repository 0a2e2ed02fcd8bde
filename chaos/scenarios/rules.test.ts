import { expect, test } from 'vitest';
import { namesFor } from './names.ts';
import { brokenRules, placementRules } from './rules.ts';
import { serviceRecords } from './seed.ts';
import { sampleScenario, sampleService } from './testing/sample.ts';

const scenario = sampleScenario({
  services: [
    sampleService('vm:1', 'a', { failback: true }),
    sampleService('vm:2', 'b', { failback: true }),
  ],
  rules: [
    { id: 'on', kind: 'node-affinity', services: ['vm:1'], nodes: { a: 0, b: 0 }, strict: true },
    { id: 'soft', kind: 'node-affinity', services: ['vm:1'], nodes: { c: 0 }, strict: false },
    { id: 'apart', kind: 'service-affinity', services: ['vm:1', 'vm:2'], affinity: 'apart' },
  ],
});

test('rules become those of the product, by its names of nodes and VMs', () => {
  const rules = placementRules(
    scenario,
    namesFor(scenario, (service) => service),
  );
  const base = { kind: 'rule', enabled: true };
  const all = { 'node-1': 0, 'node-2': 0 };
  expect(rules).toEqual([
    { ...base, id: 'on', type: 'nodes', vms: ['vm-1'], nodes: all, strict: true, failback: true },
    {
      ...base,
      id: 'soft',
      type: 'nodes',
      vms: ['vm-1'],
      nodes: { 'node-3': 0 },
      strict: false,
      failback: true,
    },
    { ...base, id: 'apart', type: 'apart', vms: ['vm-1', 'vm-2'], strict: true },
  ]);
});

test('whether a VM goes back is said of the VM, and its rule lets it', () => {
  const mixed = sampleScenario({
    services: [sampleService('vm:1', 'a', { failback: true }), sampleService('vm:2', 'a')],
    rules: [{ id: 'r', kind: 'node-affinity', services: ['vm:1', 'vm:2'], nodes: { a: 0 } }],
  });
  const rules = placementRules(
    mixed,
    namesFor(mixed, (service) => service),
  );
  const told = rules.map((rule) => [rule.id, rule.type === 'nodes' && rule.failback, rule.vms]);
  expect(told).toEqual([['r', true, ['vm-1', 'vm-2']]]);
  const vms = serviceRecords(
    mixed,
    namesFor(mixed, (service) => service),
  );
  expect(vms.map((vm) => vm.spec.selfMoves?.failback)).toEqual([true, false]);
});

test.each([
  [{ 'vm:1': 'a', 'vm:2': 'b' }, []],
  [{ 'vm:1': 'c', 'vm:2': 'b' }, ['on: vm:1 is on c']],
  [{ 'vm:1': 'b', 'vm:2': 'b' }, ['apart: not kept apart (vm:1 on b, vm:2 on b)']],
  [{ 'vm:2': 'b' }, []],
])('a placement of %j breaks %j', (placed, broken) => {
  expect(brokenRules(scenario, new Map(Object.entries(placed)))).toEqual(broken);
});

test('a set that should be together and is not is told', () => {
  const together = sampleScenario({
    rules: [{ id: 't', kind: 'service-affinity', services: ['vm:1', 'x'], affinity: 'together' }],
  });
  const placed = new Map([
    ['vm:1', 'a'],
    ['x', 'b'],
  ] as const);
  expect(brokenRules(together, placed)).toEqual(['t: not kept together (vm:1 on a, x on b)']);
});
