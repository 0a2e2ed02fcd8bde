import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import { defaultPlacementPolicy } from '../model/placement-policy.ts';
import type { PlacementRule } from '../model/placement-rule.ts';
import { planBalance } from './balance.ts';
import { planEnforcement } from './enforce.ts';
import type { Move } from './moves.ts';
import { forbiddenOn } from './refusal.ts';
import { siteOfSnapshot, type SiteSnapshot, type SnapshotVm } from './snapshot.ts';
import { apart, nodeOf, onNodes, together, vmOf } from './testing/sites.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const nodes = ['n1', 'n2', 'n3', 'n4'];

const ruleArbitrary = fc
  .tuple(
    fc.constantFrom('together', 'apart', 'nodes'),
    fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...nodes), fc.nat({ max: 2 }), { minKeys: 1 }),
    fc.boolean(),
  )
  .map(([type, vms, priorities, strict]) => (id: string): PlacementRule => {
    if (type === 'nodes') return { ...onNodes(id, vms, priorities), strict };
    return type === 'together' ? together(id, vms, strict) : apart(id, vms, strict);
  });

const siteArbitrary: fc.Arbitrary<SiteSnapshot> = fc
  .record({
    vms: fc.array(fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: 50, max: 400 })), {
      minLength: 1,
      maxLength: names.length,
    }),
    rules: fc.array(ruleArbitrary, { maxLength: 4 }),
  })
  .map(({ vms, rules }) => ({
    nodes: nodes.map((name) => nodeOf(name, 1200)),
    vms: vms.map(([node, memoryMiB], index): SnapshotVm => ({
      ...vmOf(names[index] ?? '', { memoryMiB }),
      node: nodeId(nodes[node] ?? ''),
      desired: 'running',
    })),
    rules: rules.map((make, index) => make(`r${index}`)),
    vcpuOvercommit: 8,
    policy: defaultPlacementPolicy,
  }));

/** The site after the moves; each is looked at as it is done. */
function carriedOut(
  snapshot: SiteSnapshot,
  moves: readonly Move[],
  look: (move: Move, before: SiteSnapshot) => void,
): SiteSnapshot {
  let now = snapshot;
  for (const move of moves) {
    look(move, now);
    const vms = now.vms.map((vm) => (vm.id === move.vm.id ? { ...vm, node: move.to } : vm));
    now = { ...now, vms };
  }
  return now;
}

function neverOvercommits(move: Move, before: SiteSnapshot): void {
  const seat = siteOfSnapshot(before).seat(move.to);
  const used = (seat?.memoryMiB ?? 0) + move.vm.spec.memoryMiB;
  expect(used).toBeLessThanOrEqual(seat?.node.capacity.memoryMiB ?? 0);
}

function brokenIn(snapshot: SiteSnapshot): readonly string[] {
  const site = siteOfSnapshot(snapshot);
  return snapshot.vms.flatMap((vm) => {
    const seat = vm.node === null ? undefined : site.seat(vm.node);
    return seat !== undefined && forbiddenOn(vm, seat, site) !== null ? [vm.spec.name] : [];
  });
}

describe('moves that nobody asks for', () => {
  it('by rules promise no memory twice, and come to an end', () => {
    fc.assert(
      fc.property(siteArbitrary, (site) => {
        let now = site;
        for (let round = 0; round < 12; round += 1) {
          const { moves } = planEnforcement(now);
          expect(planEnforcement(now).moves).toEqual(moves);
          if (moves.length === 0) return;
          now = carriedOut(now, moves, neverOvercommits);
        }
        throw new Error('rules move VMs to and fro');
      }),
      { numRuns: 300 },
    );
  });

  it('by load break no rule that is kept, promise no memory twice, and come to an end', () => {
    fc.assert(
      fc.property(siteArbitrary, (site) => {
        let now = site;
        for (let round = 0; round < 12; round += 1) {
          const { moves, imbalance } = planBalance(now);
          if (moves.length === 0) return;
          expect(siteOfSnapshot(now).load.imbalance()).toBe(imbalance.before);
          const broken = brokenIn(now);
          now = carriedOut(now, moves, neverOvercommits);
          expect(siteOfSnapshot(now).load.imbalance()).toBeCloseTo(imbalance.after, 6);
          for (const name of brokenIn(now)) expect(broken).toContain(name);
        }
        throw new Error('load moves VMs to and fro');
      }),
      { numRuns: 300 },
    );
  });
});
