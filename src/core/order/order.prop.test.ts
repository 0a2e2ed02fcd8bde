import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmDependency } from '../model/order.ts';
import type { VmId } from '../model/ids.ts';
import type { VmPriority } from '../model/vm.ts';
import { specOf, TestWorld } from '../testing/world.ts';
import { findCycle, inStartOrder } from './dependencies.ts';

const timeoutMs = 20_000;
const nodes = ['n1', 'n2'] as const;

interface Plan {
  readonly after: readonly number[];
  readonly priority: VmPriority;
  readonly fails: boolean;
}

/** VMs of which each waits for some before it, and of which some never come up. */
const plans = fc
  .array(
    fc.record({
      after: fc.array(fc.nat(), { maxLength: 3 }),
      priority: fc.constantFrom<VmPriority>('high', 'medium', 'low'),
      fails: fc.boolean(),
    }),
    { minLength: 2, maxLength: 8 },
  )
  .map((drawn): readonly Plan[] =>
    drawn.map((one, index) => ({
      ...one,
      after: index === 0 ? [] : [...new Set(one.after.map((each) => each % index))],
    })),
  );

const nameOf = (index: number): string => `vm${index}`;
const afterOf = ({ after }: Plan): readonly VmDependency[] =>
  after.map((other) => ({
    vm: nameOf(other),
    gate: { kind: 'running' },
    timeoutMs,
    onTimeout: 'continue',
  }));

interface Started {
  readonly name: string;
  readonly atMs: number;
  readonly running: ReadonlySet<string>;
}

/** Runs decisions against agents that start what they are told a second later. Answers the starts in order. */
function run(drawn: readonly Plan[], maxStartsPerNode: number): readonly Started[] {
  const world = new TestWorld();
  for (const name of nodes) world.addNode(name);
  world.settings = { ...world.settings, maxStartsPerNode };
  for (const [index, plan] of drawn.entries()) {
    const name = nameOf(index);
    const { priority } = plan;
    world.addVm(name, { spec: specOf(name, { after: afterOf(plan), priority, memoryMiB: 10 }) });
  }
  const up = new Map<VmId, string>();
  const starts: Started[] = [];
  const beginMs = world.nowMs;
  for (let second = 0; second < 60; second += 1) {
    world.beat(...nodes);
    const told = world.settle().flatMap((plan) => plan.commands);
    const running = new Set(
      [...world.vms.values()].filter((vm) => vm.phase === 'running').map((vm) => vm.spec.name),
    );
    for (const { node, command } of told) {
      if (command.kind !== 'start') continue;
      const { name } = command.spec;
      starts.push({ name, atMs: world.nowMs - beginMs, running });
      const index = Number(name.slice(2));
      if (drawn[index]?.fails === true) {
        world.outcome(command.operation, { kind: 'failed', code: 'X', detail: 'it never does' });
      } else up.set(command.permit.vm, node);
    }
    world.nowMs += 1000;
    for (const node of nodes) {
      const here = [...up].filter(([, at]) => at === node);
      world.report(
        node,
        here.map(([id]) => world.domain(id)),
      );
    }
  }
  return starts;
}

describe('any plan of starts', () => {
  it('is a linear extension of the dependencies, and comes to its end', () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 3 }), (drawn, perNode) => {
        const starts = run(drawn, perNode);
        for (const { name, atMs, running } of starts) {
          const awaited = drawn[Number(name.slice(2))]?.after.map(nameOf) ?? [];
          const missing = awaited.filter((other) => !running.has(other));
          expect(missing.length === 0 || atMs >= timeoutMs).toBe(true);
        }
        // One that never starts is waited for by each of those after it, in vain and not for ever.
        const first = new Map(starts.map((one) => [one.name, one]));
        expect([...first.keys()].sort()).toEqual(drawn.map((_, index) => nameOf(index)).sort());
      }),
      { numRuns: 60 },
    );
  });

  it('V17: sends starts by priority, within the limit of a node', () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 2 }), (drawn, perNode) => {
        const free = drawn.map((one) => ({ ...one, after: [], fails: false }));
        const rank = { high: 0, medium: 1, low: 2 };
        const ranks = run(free, perNode).map(
          ({ name }) => rank[free[Number(name.slice(2))]?.priority ?? 'low'],
        );
        // Two nodes take turns, so the order holds from one wave to the next.
        const wave = nodes.length * perNode;
        for (let at = 0; at + wave < ranks.length; at += 1) {
          expect(ranks[at]).toBeLessThanOrEqual(ranks[at + wave] ?? 2);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('V19: a cycle is found if and only if no order exists', () => {
    const graphs = fc.array(fc.array(fc.nat({ max: 6 }), { maxLength: 2 }), { maxLength: 7 });
    fc.assert(
      fc.property(graphs, (edges) => {
        const vms = edges.map((to, index) => ({
          name: nameOf(index),
          after: [...new Set(to)].map((other) => ({
            vm: nameOf(other),
            gate: { kind: 'running' as const },
            timeoutMs,
            onTimeout: 'continue' as const,
          })),
        }));
        const cycle = findCycle(vms);
        const ordered = inStartOrder(vms, (vm) => vm);
        expect(ordered).toHaveLength(vms.length);
        const place = new Map(ordered.map((vm, index) => [vm.name, index]));
        const isOrder = vms.every((vm) =>
          vm.after.every(
            (one) => !place.has(one.vm) || (place.get(one.vm) ?? 0) < (place.get(vm.name) ?? 0),
          ),
        );
        expect(isOrder).toBe(cycle === null);
        for (const [index, name] of (cycle ?? []).slice(0, -1).entries()) {
          const vm = vms.find((one) => one.name === name);
          expect(vm?.after.map((one) => one.vm)).toContain(cycle?.[index + 1]);
        }
      }),
    );
  });
});
