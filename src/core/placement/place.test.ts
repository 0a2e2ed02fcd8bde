import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import type { VmTries } from '../model/vm.ts';
import { placeBatch } from './batch.ts';
import { explainPlacement } from './explain-placement.ts';
import { place } from './place.ts';
import {
  apart,
  nodeOf,
  onNodes,
  siteOf,
  spread,
  together,
  vmOf,
  waitingOf,
} from './testing/sites.ts';

const [n1, n2, n3] = ['n1', 'n2', 'n3'].map((name) => nodeId(name)) as [
  ReturnType<typeof nodeId>,
  ReturnType<typeof nodeId>,
  ReturnType<typeof nodeId>,
];
const threeNodes = () => [nodeOf('n1', 1000), nodeOf('n2', 1000), nodeOf('n3', 1000)];

describe('placement of one VM', () => {
  it('says for every node why not', () => {
    const site = siteOf([
      nodeOf('n1', 100),
      nodeOf('n2', 9000, { closed: 'cordoned' }),
      nodeOf('n3', 9000),
    ]);
    site.put(vmOf('other', { memoryMiB: 10 }), n3);
    const vm = vmOf('db', { memoryMiB: 500, separateFrom: ['other'] });
    expect(explainPlacement(place(waitingOf(vm), site))).toBe(
      'no node can take it (n1: needs 500 MiB of memory, 100 MiB are free; n2: cordoned; n3: must not share a node with other)',
    );
  });

  it('home comes first, nodes that were given up last, and the one it was lost on before those', () => {
    const site = siteOf([nodeOf('n1', 1000), nodeOf('n2', 900), nodeOf('n3', 800)]);
    const vm = (...tried: string[]) => {
      const tries: VmTries = { failures: 9, here: 0, nodes: tried.map(nodeId) };
      return vmOf('vm', {}, { home: n3, tries });
    };
    const lost = { lostOn: n3 };
    expect(place(waitingOf(vm()), site)).toMatchObject({ node: n3, because: 'home', refused: [] });
    expect(place(waitingOf(vm('n3')), site)).toMatchObject({ node: n1, because: 'even' });
    expect(explainPlacement(place(waitingOf(vm('n3')), site))).toContain(
      'n3: its starts there were',
    );
    expect(place(waitingOf(vm('n3', 'n1')), site)).toMatchObject({ node: n2 });
    const all = place(waitingOf(vm('n1', 'n2', 'n3')), site);
    expect(all).toMatchObject({ node: n3, because: 'allTried' });
    expect(place(waitingOf(vm(), lost), site)).toMatchObject({ node: n1, because: 'even' });
    expect(place(waitingOf(vm('n1', 'n2'), lost), site)).toMatchObject({ node: n3 });
  });

  it('a VM that may be placed anew goes where load is most even, not home', () => {
    const site = siteOf(threeNodes());
    site.put(vmOf('a'), n1);
    const vm = vmOf('b', {}, { home: n1 });
    expect(place(waitingOf(vm), site)).toMatchObject({ node: n1 });
    expect(place(waitingOf(vm, { anew: true }), site)).toMatchObject({ node: n2 });
  });
});

describe('rules about nodes', () => {
  it('a preferred node is taken before home, by priority, and any other when there is none', () => {
    const rules = [onNodes('r', ['vm'], { n2: 1, n3: 2 }, false)];
    const vm = vmOf('vm', {}, { home: n1 });
    const at = (...closed: string[]) =>
      place(
        waitingOf(vm),
        siteOf(
          threeNodes().map((node) => ({ ...node, closed: closed.includes(node.id) ? 'x' : null })),
          rules,
        ),
      );
    expect(at()).toMatchObject({ node: n3, because: 'rule' });
    expect(at('n3')).toMatchObject({ node: n2, because: 'rule' });
    expect(at('n3', 'n2')).toMatchObject({ node: n1, because: 'home' });
  });

  it('a strict rule about nodes leaves a VM off rather than start it elsewhere', () => {
    const nodes = [nodeOf('n1', 1000), nodeOf('n2', 1000, { closed: 'fencing', alive: false })];
    const placement = place(
      waitingOf(vmOf('vm')),
      siteOf(nodes, [onNodes('only-n2', ['vm'], { n2: 0 })]),
    );
    expect(explainPlacement(placement)).toBe(
      'no node can take it (n1: rule only-n2 allows only n2; n2: fencing)',
    );
  });
});

describe('rules about VMs', () => {
  it('a group is placed where all of it fits, and follows what is placed of it', () => {
    const nodes = [nodeOf('n1', 250), nodeOf('n2', 1000), nodeOf('n3', 290)];
    const vms = ['a', 'b', 'c'].map((name) => vmOf(name, {}, { home: n1 }));
    const site = siteOf(nodes, [together('ab', ['a', 'b']), together('bc', ['b', 'c'])]);
    const placed = placeBatch(
      site,
      vms.map((vm) => waitingOf(vm)),
    );
    expect(placed.map((one) => one.placement)).toMatchObject([
      { node: n2 },
      { node: n2, because: 'group' },
      { node: n2, because: 'group' },
    ]);
    expect(placed[0]?.placement.refused[0]).toEqual({
      node: n1,
      because: 'its group of 3 needs 300 MiB of memory, 250 MiB are free',
    });
  });

  it('a group whose node died is not bound to it', () => {
    const nodes = [nodeOf('n1', 1000, { closed: 'fencing', alive: false }), nodeOf('n2', 1000)];
    const site = siteOf(nodes, [together('ab', ['a', 'b'])]);
    site.put(vmOf('a'), n1);
    expect(place(waitingOf(vmOf('b')), site)).toMatchObject({ node: n2 });
  });

  it('what one of a group is kept apart from, the others are too', () => {
    const site = siteOf(threeNodes(), [together('ab', ['a', 'b']), apart('ac', ['a', 'c'])]);
    site.put(vmOf('c'), n1);
    expect(explainPlacement(place(waitingOf(vmOf('b', {}, { home: n1 })), site))).toContain(
      'n1: rule ac keeps it apart from c',
    );
  });

  it('VMs that are kept apart and have one home are moved once, not twice', () => {
    const rules = [together('bcd', ['b', 'c', 'd']), apart('ab', ['a', 'b'])];
    const site = siteOf(threeNodes(), rules);
    const homes = { a: n3, b: n1, c: n3, d: n1 };
    const placed = placeBatch(
      site,
      Object.entries(homes).map(([name, home]) => waitingOf(vmOf(name, {}, { home }))),
    );
    const nodes = placed.map(({ waiting, placement }) => [
      waiting.vm.spec.name,
      placement.kind === 'placed' ? placement.node : null,
    ]);
    expect(Object.fromEntries(nodes)).toEqual({ a: n2, b: n1, c: n1, d: n1 });
  });

  it('a preference about VMs gives way when there is no other node', () => {
    const site = siteOf([nodeOf('n1', 1000)], [apart('ab', ['a', 'b'], false)]);
    site.put(vmOf('a'), n1);
    expect(place(waitingOf(vmOf('b')), site)).toMatchObject({ node: n1 });
  });

  it('strict spreading leaves no value of the label with more than its share', () => {
    const nodes = ['n1', 'n2', 'n3'].map((name, index) =>
      nodeOf(name, 1000, { labels: { rack: index < 2 ? 'r1' : 'r2' } }),
    );
    const site = siteOf(nodes, [spread('s', ['a', 'b'], 'rack')]);
    site.put(vmOf('a'), n1);
    const placement = place(waitingOf(vmOf('b')), site);
    expect(placement).toMatchObject({ node: n3 });
    expect(explainPlacement(placement)).toContain(
      'n2: rule s: rack r1 has 1 of its VMs, 1 at most',
    );
  });
});

describe('a batch', () => {
  it('goes by priority, then by size', () => {
    const site = siteOf([nodeOf('n1', 300)]);
    const batch = [
      vmOf('small', { memoryMiB: 100 }),
      vmOf('low', { memoryMiB: 300, priority: 'low' }),
      vmOf('big', { memoryMiB: 200 }),
      vmOf('first', { memoryMiB: 50, priority: 'high' }),
    ].map((vm) => waitingOf(vm));
    const placed = placeBatch(site, batch).map(
      ({ waiting, placement }) => `${waiting.vm.spec.name} ${placement.kind}`,
    );
    expect(placed).toEqual(['first placed', 'big placed', 'small nowhere', 'low nowhere']);
  });

  it('moves another VM of the batch when a strict rule leaves one node only', () => {
    const site = siteOf([nodeOf('n1', 200), nodeOf('n2', 100)], [onNodes('r', ['z'], { n1: 0 })]);
    const batch = [vmOf('a', {}, { home: n1 }), vmOf('b', {}, { home: n1 }), vmOf('z')];
    const placed = placeBatch(
      site,
      batch.map((vm) => waitingOf(vm)),
    );
    const at = Object.fromEntries(
      placed.map(({ waiting, placement }) => [waiting.vm.spec.name, placement]),
    );
    expect(at).toMatchObject({
      a: { node: n2, madeRoomFor: 'z' },
      b: { node: n1 },
      z: { node: n1 },
    });
  });
});
