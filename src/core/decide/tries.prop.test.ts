import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import { specOf, TestWorld } from '../testing/world.ts';

const cases = fc.record({
  restarts: fc.nat({ max: 3 }),
  relocations: fc.nat({ max: 4 }),
  nodes: fc.integer({ min: 1, max: 5 }),
  failures: fc.nat({ max: 25 }),
  home: fc.nat({ max: 4 }),
});

/** The nodes of all starts, one after the other, when the first `failures` of them fail. */
function startsOf(one: typeof cases extends fc.Arbitrary<infer T> ? T : never): {
  readonly nodes: readonly string[];
  readonly phase: string;
} {
  const world = new TestWorld();
  const names = Array.from({ length: one.nodes }, (_, index) => `n${index + 1}`);
  for (const name of names) world.addNode(name);
  const limits = { restarts: one.restarts, relocations: one.relocations };
  const home = nodeId(names[one.home % names.length] ?? 'n1');
  const db = world.addVm('db', { spec: specOf('db', { limits }), home });
  const nodes: string[] = [];
  for (let round = 0; round < 60; round += 1) {
    world.settle();
    const vm = world.vm(db);
    if (vm.phase === 'failed' || vm.phase === 'running') break;
    if (vm.phase === 'starting' && vm.permit !== null && vm.operation !== null) {
      nodes.push(vm.permit.node);
      if (nodes.length > one.failures) world.report(vm.permit.node, [world.domain(db)]);
      else world.outcome(vm.operation.id, { kind: 'failed', code: 'X', detail: '' });
    }
    world.nowMs += 61_000;
    world.beat(...names);
  }
  return { nodes, phase: world.vm(db).phase };
}

describe('the limits of a VM', () => {
  it('V1: give each node its tries, all nodes before one twice, and home first', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { nodes, phase } = startsOf(one);
        const most = (one.restarts + 1) * (one.relocations + 1);
        expect(nodes.length).toBe(Math.min(one.failures + 1, most));
        expect(phase).toBe(one.failures < most ? 'running' : 'failed');
        expect(nodes[0]).toBe(`n${(one.home % one.nodes) + 1}`);
        const visits = nodes.filter((_, index) => index % (one.restarts + 1) === 0);
        for (const [index, node] of nodes.entries()) {
          expect(node).toBe(visits[Math.floor(index / (one.restarts + 1))]);
        }
        expect(new Set(visits).size).toBe(Math.min(visits.length, one.nodes));
      }),
      { numRuns: 300 },
    );
  });
});
