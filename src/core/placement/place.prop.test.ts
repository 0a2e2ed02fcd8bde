import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, token, vmId } from '../model/ids.ts';
import { noTries } from '../model/vm.ts';
import type { VmRecord } from '../model/vm.ts';
import { specOf } from '../testing/world.ts';
import { explainPlacement, place, type PlacementNode } from './place.ts';
import { addUsage, usageByNode, usageOf } from './usage.ts';

const vmOf = (name: string, memoryMiB: number, separateFrom: readonly string[] = []): VmRecord => ({
  kind: 'vm',
  id: vmId(name),
  spec: specOf(name, { memoryMiB, separateFrom }),
  desired: 'running',
  phase: 'stopped',
  permit: null,
  lastToken: token(0),
  operation: null,
  home: null,
  tries: noTries,
  failover: null,
  reason: null,
  move: null,
  strays: [],
  asked: null,
  deleting: false,
  adopting: false,
});

const nodeOf = (name: string, memoryMiB: number, closed: string | null = null): PlacementNode => ({
  id: nodeId(name),
  capacity: { memoryMiB, vcpus: 100 },
  closed,
});

const clusters = fc.record({
  nodes: fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 6 }),
  vms: fc.array(
    fc.record({ memoryMiB: fc.integer({ min: 1, max: 2000 }), apart: fc.nat({ max: 20 }) }),
    { maxLength: 30 },
  ),
});

/** Places all VMs one after the other, each seeing the choices before it. */
function placeAll(input: { nodes: number[]; vms: { memoryMiB: number; apart: number }[] }) {
  const nodes = input.nodes.map((memory, index) => nodeOf(`n${index}`, memory));
  const usage = usageByNode([]);
  const placed: { vm: VmRecord; node: string }[] = [];
  for (const [index, { memoryMiB, apart }] of input.vms.entries()) {
    const vm = vmOf(`vm${index}`, memoryMiB, apart < index ? [`vm${apart}`] : []);
    const placement = place(vm, { nodes, usage, vcpuOvercommit: 1 });
    if (placement.kind === 'nowhere') continue;
    addUsage(usage, placement.node, vm);
    placed.push({ vm, node: placement.node });
  }
  return { nodes, usage, placed };
}

describe('placement', () => {
  it('never promises memory twice', () => {
    fc.assert(
      fc.property(clusters, (input) => {
        const { nodes, usage } = placeAll(input);
        for (const node of nodes) {
          expect(usageOf(usage, node.id).memoryMiB).toBeLessThanOrEqual(node.capacity.memoryMiB);
        }
      }),
    );
  });

  it('never puts VMs together that must be apart, whichever of them says so', () => {
    fc.assert(
      fc.property(clusters, (input) => {
        const { placed } = placeAll(input);
        for (const one of placed) {
          const beside = placed.filter((other) => other.node === one.node);
          const names = beside.map((other) => other.vm.spec.name);
          expect(one.vm.spec.separateFrom.filter((name) => names.includes(name))).toEqual([]);
        }
      }),
    );
  });

  it('gives the same answer to the same question', () => {
    fc.assert(
      fc.property(clusters, (input) => {
        const where = (): string[] => placeAll(input).placed.map((one) => one.node);
        expect(where()).toEqual(where());
      }),
    );
  });

  it('says for every node why not', () => {
    const usage = usageByNode([]);
    addUsage(usage, nodeId('n3'), vmOf('other', 10));
    const vm = vmOf('db', 500, ['other']);
    const nodes = [nodeOf('n1', 100), nodeOf('n2', 9000, 'cordoned'), nodeOf('n3', 9000)];
    const placement = place(vm, { nodes, usage, vcpuOvercommit: 1 });
    expect(explainPlacement(placement)).toBe(
      'no node can take it (n1: needs 500 MiB of memory, 100 MiB are free; n2: cordoned; n3: must not share a node with other)',
    );
  });

  it('spreads equal VMs over equal nodes', () => {
    const { usage } = placeAll({
      nodes: [4000, 4000, 4000],
      vms: Array.from({ length: 9 }, () => ({ memoryMiB: 100, apart: 20 })),
    });
    expect(['n0', 'n1', 'n2'].map((name) => usageOf(usage, nodeId(name)).vms.size)).toEqual([
      3, 3, 3,
    ]);
  });

  it('home comes first, nodes that were given up last, and the one it was lost on before those', () => {
    const nodes = [nodeOf('n1', 1000), nodeOf('n2', 900), nodeOf('n3', 800)];
    const input = { nodes, usage: usageByNode([]), vcpuOvercommit: 1 };
    const [n1, n2, n3] = ['n1', 'n2', 'n3'].map(nodeId);
    const vm = { ...vmOf('vm', 100), home: nodeId('n3') };
    const tried = (...names: string[]): VmRecord => ({
      ...vm,
      tries: { failures: 9, here: 0, nodes: names.map(nodeId) },
    });
    expect(place(vm, input)).toMatchObject({ node: n3, because: 'home', refused: [] });
    expect(place(tried('n3'), input)).toMatchObject({ node: n1, because: 'room' });
    expect(explainPlacement(place(tried('n3'), input))).toContain('n3: its starts there were');
    expect(place(tried('n3', 'n1'), input)).toMatchObject({ node: n2 });
    expect(place(tried('n1', 'n2', 'n3'), input)).toMatchObject({ node: n3, because: 'allTried' });
    expect(place(vm, input, nodeId('n3'))).toMatchObject({ node: n1, because: 'room' });
    expect(place(tried('n1', 'n2'), input, nodeId('n3'))).toMatchObject({ node: n3 });
  });
});
