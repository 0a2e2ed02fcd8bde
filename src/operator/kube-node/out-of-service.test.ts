import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testFence, testNode } from '../../api/server/test-service.ts';
import type { FenceView, NodeView } from '../../api/schema/views.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import { mergePatch } from '../testing/merge-patch.ts';
import { claimOf, hypervisorLabel, taintsOf, type KubeTaint } from './kube-node.ts';
import { matchOf } from './machine-match.ts';
import { markAnnotation, markOf, planTaint, taintOn, taintPatch } from './out-of-service.ts';

const key = 'node.kubernetes.io/out-of-service';
const ours: KubeTaint = {
  key,
  value: 'nodeshutdown',
  effect: 'NoExecute',
  timeAdded: '2026-01-01T00:00:00Z',
};
const cluster = 'c-1';

function kubeNode(bootID = 'b-1', taints: readonly KubeTaint[] = []): KubeObject {
  return {
    metadata: { name: 'node-1', uid: 'u-1', resourceVersion: '7' },
    spec: { taints },
    status: { nodeInfo: { bootID } },
  };
}

type Kind = NonNullable<FenceView['proof']>['kind'];
const fenceOf = (kind: Kind | null, id = 'F-1', bootId = 'b-1'): FenceView => ({
  ...testFence,
  id,
  bootId,
  phase: kind === null ? 'acting' : 'proven',
  proof: kind === null ? null : { kind },
});
const fenced = (kind: Kind, id?: string, bootId?: string): NodeView => ({
  ...testNode,
  state: 'fenced',
  bootId: null,
  fence: fenceOf(kind, id, bootId),
});
const online = (bootId: string): NodeView => ({ ...testNode, bootId });

const planOf = (node: KubeObject, view: NodeView | null, claimants = [node]) =>
  planTaint(node, {
    clusterId: cluster,
    claimed: view === null ? null : { view, match: matchOf(view, claimants) },
    marked: view,
  });

/** As the operator and the API server do it together. */
function step(node: KubeObject, view: NodeView | null, timeAdded: string): KubeObject {
  const plan = planOf(node, view);
  if (plan.kind === 'stays') return node;
  const mark =
    plan.kind === 'lift'
      ? null
      : {
          clusterId: cluster,
          hypervisor: plan.fence.node,
          fence: plan.fence.id,
          bootId: plan.fence.bootId,
          proof: plan.fence.proof?.kind ?? '',
          timeAdded,
        };
  return mergePatch(node, taintPatch(node, mark)) as KubeObject;
}

describe('a Node is put out of service', () => {
  test.each([
    ['powerOff', 'set'],
    ['kdump', 'set'],
    ['attested', 'set'],
    // It has killed its VMs and may live on, with its containers.
    ['selfFence', 'stays'],
    ['storageCut', 'stays'],
    // It runs again, and so does its kubelet.
    ['newBoot', 'stays'],
  ] as const)('by a proof of the kind %s: %s', (kind, plan) => {
    expect(planOf(kubeNode(), fenced(kind)).kind).toBe(plan);
  });

  test.each(['joining', 'online', 'suspect', 'fencing', 'blocked', 'quarantined'] as const)(
    'never while its hypervisor is %s',
    (state) => {
      const view = { ...testNode, state, bootId: 'b-1', fence: fenceOf(null) };
      expect(planOf(kubeNode(), view).kind).toBe('stays');
    },
  );

  test('only where its kubelet reported the boot that is proven over', () => {
    expect(planOf(kubeNode('b-2'), fenced('powerOff')).kind).toBe('stays');
    expect(planOf(kubeNode(''), fenced('powerOff')).kind).toBe('stays');
  });

  test('only where no other Node says that it is the same machine', () => {
    const node = kubeNode();
    const other = { ...kubeNode(), metadata: { ...node.metadata, name: 'n-2' } };
    expect(planOf(node, fenced('powerOff'), [node, other]).kind).toBe('stays');
  });

  test.each([
    ['as one of ours looks', ours],
    ['of another value', { ...ours, value: 'maintenance' }],
    ['of another effect', { ...ours, effect: 'NoSchedule' }],
  ])('by no second taint beside one of somebody else, %s', (_, taint) => {
    const node = kubeNode('b-1', [taint]);
    expect(planOf(node, fenced('powerOff')).kind).toBe('stays');
    expect(planOf(node, online('b-2')).kind).toBe('stays');
  });

  test('at the version it was read at, so that whoever wrote since wins', () => {
    expect(taintPatch(kubeNode(), null)).toMatchObject({
      metadata: { uid: 'u-1', resourceVersion: '7' },
    });
  });
});

describe('a taint of ours', () => {
  const tainted = step(kubeNode(), fenced('powerOff'), '2026-01-01T00:00:00Z');

  test('names its proof', () => {
    expect(markOf(tainted)).toEqual({
      clusterId: cluster,
      hypervisor: 'node-1',
      fence: 'F-1',
      bootId: 'b-1',
      proof: 'powerOff',
      timeAdded: '2026-01-01T00:00:00Z',
    });
    expect(taintOn(tainted)).toBe('ours');
  });

  test.each<readonly [string, NodeView | null, string]>([
    ['stays while its proof stands', fenced('powerOff'), 'stays'],
    ['stays when the operation was forgotten', { ...fenced('powerOff'), fence: null }, 'stays'],
    ['is lifted when its hypervisor is admitted anew', online('b-2'), 'lift'],
    [
      'is lifted when its proof was revoked',
      { ...testNode, state: 'fencing', fence: fenceOf(null) },
      'lift',
    ],
    [
      'is lifted when a later fence proved its VMs off alone',
      fenced('selfFence', 'F-2', 'b-2'),
      'lift',
    ],
    ['is lifted when Kennel has forgotten the hypervisor', null, 'lift'],
  ])('%s', (_, view, plan) => {
    expect(planOf(tainted, view).kind).toBe(plan);
  });

  test('is left alone by the operator of another cluster of Kennel', () => {
    const view = online('b-2');
    const sight = { claimed: { view, match: matchOf(view, [tainted]) }, marked: view };
    expect(planTaint(tainted, { ...sight, clusterId: 'c-2' }).kind).toBe('stays');
  });

  test('is left alone where its mark cannot be read', () => {
    const annotations = { [markAnnotation]: 'what?' };
    const node = { ...tainted, metadata: { ...tainted.metadata, annotations } };
    expect(planOf(node, online('b-2')).kind).toBe('stays');
    expect(planOf(node, fenced('powerOff')).kind).toBe('stays');
  });

  test('that a person lifted is not set again by the same proof', () => {
    const bare = { ...tainted, spec: { taints: [] } };
    expect(planOf(bare, fenced('powerOff')).kind).toBe('stays');
    const after = step(bare, online('b-2'), 'x');
    expect(markOf(after)).toBe(null);
  });

  test('is told from one that a person has set in its place', () => {
    const theirs = { ...ours, timeAdded: '2026-01-02T00:00:00Z' };
    const node = { ...tainted, spec: { taints: [theirs] } };
    const after = step(node, online('b-2'), 'x');
    expect([taintsOf(after), markOf(after)]).toEqual([[theirs], null]);
  });
});

test('whatever happens, others keep their taints, ours stands on a proof, and nothing is done twice', () => {
  const foreign: readonly KubeTaint[] = [
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: 't' },
    { key: 'rack', value: 'r1', effect: 'NoSchedule' },
    { key, value: 'nodeshutdown', effect: 'NoExecute' },
  ];
  const views = fc.constantFrom<NodeView | null>(
    null,
    online('b-1'),
    online('b-2'),
    { ...online('b-1'), state: 'suspect' },
    { ...testNode, state: 'fencing', bootId: 'b-1', fence: fenceOf(null) },
    fenced('powerOff'),
    fenced('attested', 'F-2', 'b-2'),
    fenced('selfFence', 'F-3', 'b-2'),
    fenced('newBoot', 'F-4', 'b-2'),
  );
  const steps = fc.record({
    view: views,
    boot: fc.constantFrom('b-1', 'b-2'),
    theirs: fc.subarray([...foreign]),
    liftsOurs: fc.boolean(),
  });
  let sets = 0;
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 12 }), (walk) => {
      let node = kubeNode();
      walk.forEach(({ view, boot, theirs, liftsOurs }, index) => {
        const mark = markOf(node);
        const kept = taintsOf(node).filter(
          (one) => mark !== null && one.timeAdded === mark.timeAdded && !liftsOurs,
        );
        // Of one key and effect there is one.
        const added = kept.length > 0 ? theirs.filter((one) => one.key !== key) : theirs;
        const spec = { taints: [...added, ...kept] };
        node = { ...node, spec, status: { nodeInfo: { bootID: boot } } };
        const plan = planOf(node, view);
        const isSet = plan.kind === 'set';
        sets += isSet ? 1 : 0;
        expect(isSet && (view?.state !== 'fenced' || view.fence?.bootId !== boot)).toBe(false);
        node = step(node, view, `t-${index}`);
        expect(taintsOf(node)).toEqual(expect.arrayContaining([...added]));
        expect(taintsOf(node).length - added.length).toBeLessThanOrEqual(1);
        expect(planOf(node, view).kind).toBe('stays');
        const stands = view?.state === 'fenced';
        expect(stands || taintsOf(node).length === added.length).toBe(true);
      });
    }),
  );
  expect(sets).toBeGreaterThan(10);
});

test('a label says which hypervisor a Node is, or that it is none', () => {
  const labelled = (labels: Record<string, string>): KubeObject => ({
    metadata: { ...kubeNode().metadata, labels },
  });
  expect(claimOf(labelled({}))).toBe('node-1');
  expect(claimOf(labelled({ [hypervisorLabel]: 'hv-7' }))).toBe('hv-7');
  expect(claimOf(labelled({ [hypervisorLabel]: '' }))).toBe(null);
});
