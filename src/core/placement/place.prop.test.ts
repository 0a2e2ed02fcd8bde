import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import type { PlacementRule } from '../model/placement-rule.ts';
import { placeBatch } from './batch.ts';
import { place } from './place.ts';
import { forbiddenOn } from './refusal.ts';
import { rulesInForce } from './rule-conflicts.ts';
import { Site } from './site.ts';
import type { PlacementNode, PlacementVm } from './site-types.ts';
import { apart, nodeOf, onNodes, spread, together, vmOf, waitingOf } from './testing/sites.ts';

const nodeNames = ['n0', 'n1', 'n2', 'n3', 'n4'];
const vmNames = Array.from({ length: 12 }, (_, index) => `v${index}`);
const someVms = fc.uniqueArray(fc.constantFrom(...vmNames), { minLength: 1, maxLength: 4 });
const anyRule: fc.Arbitrary<(id: string) => PlacementRule> = fc.oneof(
  fc.tuple(someVms, fc.boolean()).map(
    ([vms, strict]) =>
      (id: string) =>
        together(id, vms, strict),
  ),
  fc.tuple(someVms, fc.boolean()).map(
    ([vms, strict]) =>
      (id: string) =>
        apart(id, vms, strict),
  ),
  fc.tuple(someVms, fc.boolean()).map(
    ([vms, strict]) =>
      (id: string) =>
        spread(id, vms, 'rack', strict),
  ),
  fc
    .tuple(
      someVms,
      fc.dictionary(fc.constantFrom(...nodeNames), fc.nat({ max: 2 }), { minKeys: 1 }),
      fc.boolean(),
    )
    .map(
      ([vms, nodes, strict]) =>
        (id: string) =>
          onNodes(id, vms, nodes, strict),
    ),
);

const sites = fc.record({
  nodes: fc.array(
    fc.record({ memoryMiB: fc.integer({ min: 0, max: 2000 }), rack: fc.nat({ max: 2 }) }),
    { minLength: 1, maxLength: 5 },
  ),
  vms: fc.array(
    fc.record({
      memoryMiB: fc.integer({ min: 1, max: 800 }),
      avoids: fc.nat({ max: 30 }),
      home: fc.nat({ max: 6 }),
    }),
    { maxLength: 12 },
  ),
  rules: fc.array(anyRule, { maxLength: 6 }),
});

type Input = typeof sites extends fc.Arbitrary<infer T> ? T : never;

function build(input: Input): { site: Site; nodes: PlacementNode[]; vms: PlacementVm[] } {
  const nodes = input.nodes.map(({ memoryMiB, rack }, index) =>
    nodeOf(`n${index}`, memoryMiB, { labels: { rack: `r${rack}` } }),
  );
  const vms = input.vms.map(({ memoryMiB, avoids, home }, index) =>
    vmOf(
      `v${index}`,
      { memoryMiB, separateFrom: avoids < index ? [`v${avoids}`] : [] },
      { home: home < nodes.length ? nodeId(`n${home}`) : null },
    ),
  );
  const rules = rulesInForce(
    input.rules.map((make, index) => make(`r${index}`)),
    nodes.map((node) => node.id),
  );
  return { site: new Site({ nodes, rules, vcpuOvercommit: 1 }), nodes, vms };
}

describe('a batch on any site, under any rules', () => {
  it('never promises memory or CPUs twice', () => {
    fc.assert(
      fc.property(sites, (input) => {
        const { site, vms } = build(input);
        placeBatch(
          site,
          vms.map((vm) => waitingOf(vm)),
        );
        for (const seat of site.seats) {
          expect(seat.memoryMiB).toBeLessThanOrEqual(seat.node.capacity.memoryMiB);
          expect(seat.vcpus).toBeLessThanOrEqual(seat.node.capacity.vcpus);
        }
      }),
    );
  });

  it('never breaks a strict rule', () => {
    fc.assert(
      fc.property(sites, (input) => {
        const { site, vms } = build(input);
        for (const { waiting, placement } of placeBatch(
          site,
          vms.map((vm) => waitingOf(vm)),
        )) {
          if (placement.kind === 'nowhere') continue;
          const seat = site.seat(placement.node);
          expect(seat && forbiddenOn(waiting.vm, seat, site)).toBeNull();
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('gives the same answer to the same question, in whatever order it is asked', () => {
    fc.assert(
      fc.property(sites, (input) => {
        const where = (turn: boolean): unknown => {
          const { site, vms } = build(input);
          const batch = vms.map((vm) => waitingOf(vm));
          return placeBatch(site, turn ? batch.reverse() : batch);
        };
        expect(where(true)).toEqual(where(false));
      }),
    );
  });

  it('a node that was not chosen has a reason, unless another one was better', () => {
    fc.assert(
      fc.property(sites, (input) => {
        const { site, vms, nodes } = build(input);
        for (const { placement } of placeBatch(
          site,
          vms.map((vm) => waitingOf(vm)),
        )) {
          if (placement.kind === 'placed') continue;
          expect(placement.refused.map((one) => one.node)).toEqual(nodes.map((node) => node.id));
        }
      }),
    );
  });

  it('a site that VMs came to and left chooses as one that was built anew', () => {
    fc.assert(
      fc.property(sites, fc.array(fc.nat({ max: 11 })), (input, steps) => {
        const { site, vms, nodes } = build(input);
        const at = new Map<PlacementVm, PlacementNode>();
        for (const [index, step] of steps.entries()) {
          const vm = vms[step];
          const node = nodes[index % nodes.length];
          if (vm === undefined || node === undefined) continue;
          const before = at.get(vm);
          if (before !== undefined) site.take(vm, before.id);
          site.put(vm, node.id);
          at.set(vm, node);
        }
        const { site: fresh } = build(input);
        for (const [vm, node] of [...at].reverse()) fresh.put(vm, node.id);
        for (const vm of vms) {
          if (at.has(vm)) continue;
          expect(place(waitingOf(vm), site)).toEqual(place(waitingOf(vm), fresh));
        }
        expect(site.load.now()).toBe(fresh.load.now());
      }),
    );
  });

  it('spreads equal VMs over equal nodes', () => {
    const vms = Array.from({ length: 9 }, (_, index) => vmOf(`v${index}`));
    const nodes = ['n0', 'n1', 'n2'].map((name) => nodeOf(name, 4000));
    const site = new Site({ nodes, rules: [], vcpuOvercommit: 1 });
    placeBatch(
      site,
      vms.map((vm) => waitingOf(vm)),
    );
    expect(site.seats.map((seat) => seat.vms.size)).toEqual([3, 3, 3]);
  });
});
