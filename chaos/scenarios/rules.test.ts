import { expect, test } from 'vitest';
import { allowedNodes, apartFrom, brokenRules } from './rules.ts';
import { sampleScenario, sampleService } from './testing/sample.ts';

const scenario = sampleScenario({
  services: [sampleService('vm:1', 'a'), sampleService('vm:2', 'b')],
  rules: [
    { id: 'on', kind: 'node-affinity', services: ['vm:1'], nodes: { a: 0, b: 0 }, strict: true },
    { id: 'soft', kind: 'node-affinity', services: ['vm:1'], nodes: { c: 0 }, strict: false },
    { id: 'apart', kind: 'service-affinity', services: ['vm:1', 'vm:2'], affinity: 'apart' },
  ],
});

test('strict rules become nodes to choose from and services to keep away from', () => {
  expect(allowedNodes(scenario, 'vm:1')).toEqual(['a', 'b']);
  expect(allowedNodes(scenario, 'vm:2')).toBeNull();
  expect(apartFrom(scenario, 'vm:2')).toEqual(['vm:1']);
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
