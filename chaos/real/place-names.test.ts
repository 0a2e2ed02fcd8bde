import { expect, test } from 'vitest';
import { sampleScenario, sampleService } from '../scenarios/testing/sample.ts';
import { placeNames, type PlacedVm } from './place-names.ts';

const nodes = ['node-1', 'node-2', 'node-3'];
const scenario = sampleScenario({
  services: [sampleService('vm:1', 'a'), sampleService('vm:2', 'b'), sampleService('vm:3', 'b')],
});

function placed(...on: readonly string[]): readonly PlacedVm[] {
  return on.map((labNode, index) => ({
    service: `vm:${index + 1}`,
    vm: `id-${index + 1}`,
    name: `disk-${index + 1}`,
    labNode,
  }));
}

test('the nodes of a scenario are those of the lab on which its services are', () => {
  const names = placeNames(scenario, placed('node-3', 'node-1', 'node-1'), nodes);
  expect(['a', 'b', 'c'].map((node) => names?.labNode(node))).toEqual([
    'node-3',
    'node-1',
    'node-2',
  ]);
  expect(names?.nodeOf('node-1')).toBe('b');
  expect(names?.serviceOf('id-2')).toBe('vm:2');
  expect(names?.serviceOf('another')).toBeNull();
  expect(names?.vmOf('vm:3').name).toBe('disk-3');
});

test('services that stand in another pattern than in the file have no names', () => {
  expect(placeNames(scenario, placed('node-3', 'node-1', 'node-2'), nodes)).toBeNull();
  expect(placeNames(scenario, placed('node-1', 'node-1', 'node-1'), nodes)).toBeNull();
});
