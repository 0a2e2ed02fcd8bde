import * as fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { brokenTransitions } from '../../../src/api/schema/kubernetes/rule.ts';
import {
  statusTransitions,
  virtualMachineSpecSchema,
  type VirtualMachineStatus,
} from '../../../src/api/schema/kubernetes/virtual-machine.ts';
import { crdOf } from '../../../src/operator/crd/definition.ts';
import { kinds, virtualMachines, type Kind } from '../../../src/operator/crd/kinds.ts';
import { applyStatus } from '../../../src/operator/kube/apply.ts';
import type { KubeAnswer, KubeObject } from '../../../src/operator/kube/kube-api.ts';
import { apiVersionOf, listPath, objectPath } from '../../../src/operator/kube/resource.ts';
import type { ControlPlane } from '../testing/control-plane.ts';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const namespace = 'default';

/** Teaches the server all kinds, as `kubectl apply -f deploy/crds` does, and waits until it serves them. */
export async function installCrds({ api }: ControlPlane): Promise<void> {
  for (const kind of kinds) {
    const name = `${kind.plural}.${kind.group}`;
    const answer = await api.call({
      method: 'PATCH',
      path: `${crds}/${name}`,
      query: { fieldManager: 'test', force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: crdOf(kind),
    });
    expect([kind.kind, answer]).toMatchObject([kind.kind, { kind: 'answered' }]);
    await vi.waitUntil(
      async () => (await api.call({ method: 'GET', path: listPath(kind) })).kind === 'answered',
      { timeout: 60_000, interval: 200 },
    );
  }
}

/** What a server says of this spec of a VirtualMachine, without keeping it. */
export function judge(
  plane: ControlPlane,
  name: string,
  spec: unknown,
  options: { readonly keep?: boolean; readonly manager?: string } = {},
): Promise<KubeAnswer> {
  return judgeKind(plane, virtualMachines, { ...options, name, spec });
}

export function judgeKind(
  { api }: ControlPlane,
  kind: Kind,
  options: {
    readonly name: string;
    readonly spec: unknown;
    readonly keep?: boolean;
    readonly manager?: string;
  },
): Promise<KubeAnswer> {
  const { name, spec } = options;
  const metadata = kind.isNamespaced ? { name, namespace } : { name };
  return api.call({
    method: 'PATCH',
    path: objectPath(kind, metadata),
    query: {
      fieldManager: options.manager ?? 'kubectl',
      ...(options.keep === true ? {} : { dryRun: 'All' }),
    },
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, spec },
  });
}

const disk = (source: object) => ({ source, format: 'Raw', bus: 'Virtio' });
export const refusedBy = (answer: KubeAnswer): string =>
  answer.kind === 'answered' ? 'accepted' : `${answer.failure.kind}: ${answer.failure.message}`;

export function crdRuleSuite(plane: () => ControlPlane): void {
  describe('the CRDs', () => {
    beforeAll(() => installCrds(plane()), 120_000);

    test('are taken by a real server, which has no objection to their form', async () => {
      const { api } = plane();
      for (const kind of kinds) {
        const answer = await api.call({ method: 'GET', path: `${crds}/${kind.plural}.kennel.dev` });
        if (answer.kind === 'failed') throw new Error(answer.failure.message);
        const { status } = answer.body as {
          readonly status: { readonly conditions: readonly Record<string, string>[] };
        };
        const violations = status.conditions.filter(
          (one) => one['type'] === 'NonStructuralSchema' && one['status'] === 'True',
        );
        expect([kind.kind, violations]).toEqual([kind.kind, []]);
      }
    });

    test('fill in what a person may leave out', async () => {
      const answer = await judge(plane(), 'defaults', { memory: '1Gi' });
      expect(answer).toMatchObject({
        body: {
          spec: { desired: 'Running', vcpus: 1, priority: 'Medium', disks: [], emulated: false },
        },
      });
    });

    test.each([
      ['no memory', {}, 'memory'],
      ['memory with a fraction', { memory: '2.5Gi' }, 'memory'],
      [
        'two disk sources',
        { memory: '1Gi', disks: [disk({ sharedFile: { path: '/a' }, local: { path: '/a' } })] },
        'exactly one of nbd',
      ],
      ['no disk source', { memory: '1Gi', disks: [disk({})] }, 'exactly one of nbd'],
      [
        'a disk of one hypervisor',
        { memory: '1Gi', disks: [disk({ local: { path: '/a' } })] },
        'cannot fail over',
      ],
      [
        'processors that do not multiply',
        {
          memory: '1Gi',
          vcpus: 3,
          hardware: {
            cpu: { model: { maximum: {} }, topology: { sockets: 1, cores: 2, threads: 1 } },
          },
        },
        'multiply to vcpus',
      ],
    ])('refuse %s, and say why', async (_, spec, message) => {
      expect(refusedBy(await judge(plane(), 'refused', spec))).toContain(message);
      expect(virtualMachineSpecSchema.safeParse(spec).success).toBe(false);
    });

    test('keep a uuid once it is set', async () => {
      const uuid = '11111111-1111-4111-8111-111111111111';
      const kept = { keep: true };
      expect(refusedBy(await judge(plane(), 'pinned', { memory: '1Gi', uuid }, kept))).toBe(
        'accepted',
      );
      const other = uuid.replaceAll('1', '2').replace('-4', '-4');
      expect(refusedBy(await judge(plane(), 'pinned', { memory: '1Gi', uuid: other }))).toContain(
        'immutable',
      );
      expect(refusedBy(await judge(plane(), 'pinned', { memory: '1Gi' }))).toContain('immutable');
    });

    test('leave a field to whoever set it', async () => {
      await judge(plane(), 'owned', { memory: '1Gi', vcpus: 2 }, { keep: true });
      const other = await judge(
        plane(),
        'owned',
        { memory: '1Gi', vcpus: 4 },
        { manager: 'other' },
      );
      expect(refusedBy(other)).toMatch(/^conflict: .*kubectl.*vcpus/s);
    });

    test('their verdict on a spec is ours, for specs of all kinds', async () => {
      const verdicts = { accepted: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(specs, async (spec) => {
          const answer = await judge(plane(), 'any', spec);
          const ours = virtualMachineSpecSchema.safeParse(spec).success;
          verdicts[ours ? 'accepted' : 'refused'] += 1;
          const theirs = refusedBy(answer);
          const verdict = theirs.startsWith('invalid') ? 'refused' : theirs;
          expect(verdict).toBe(ours ? 'accepted' : 'refused');
        }),
        { numRuns: 200 },
      );
      expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(20);
    }, 120_000);

    test('their verdict on a change of the status is ours: counters never go back', async () => {
      const { api } = plane();
      await judge(plane(), 'counters', { memory: '1Gi' }, { keep: true });
      const path = objectPath(virtualMachines, { namespace, name: 'counters' });
      const verdicts = { accepted: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(statuses, async (after) => {
          const read = await api.call({ method: 'GET', path });
          if (read.kind === 'failed') throw new Error(read.failure.message);
          const object = read.body as KubeObject;
          const before = object.status as VirtualMachineStatus | undefined;
          const answer = await applyStatus(api, virtualMachines, object, after);
          // A status that was not there has nothing to go back from.
          const ours =
            before === undefined ||
            brokenTransitions(statusTransitions, before, after).length === 0;
          verdicts[ours ? 'accepted' : 'refused'] += 1;
          expect([before, after, answer.kind === 'answered']).toEqual([before, after, ours]);
        }),
        { numRuns: 150 },
      );
      expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(20);
    }, 120_000);
  });
}

const small = fc.integer({ min: 1, max: 3 });
const sources = fc.record(
  {
    nbd: fc.constant({ host: 'h', port: 1, export: 'e' }),
    sharedFile: fc.constantFrom({ path: '/a' }, { path: '/b c' }),
    local: fc.constant({ path: '/l' }),
  },
  { requiredKeys: [] },
);
const oneSource = fc.constantFrom<object>(
  { nbd: { host: 'h', port: 1, export: 'e' } },
  { rbd: { pool: 'p', image: 'i' } },
  { sharedFile: { path: '/a' } },
  { sharedFile: { path: 'relative' } },
  { local: { path: '/l' } },
);
const specs = fc.record(
  {
    memory: fc.constantFrom('1Gi', '1Gi', '512Mi', '512Mi', '2Ti', '2Ti', '0Gi', '1.5Gi'),
    desired: fc.constantFrom(
      'Running',
      'Stopped',
      'Disabled',
      'Ignored',
      'Ignored',
      'Ignored',
      'off',
    ),
    vcpus: fc.constantFrom(0, 1, 1, 2, 2, 4, 4, 6),
    disks: fc.array(
      fc.oneof({ weight: 4, arbitrary: oneSource }, { weight: 1, arbitrary: sources }).map(disk),
      { maxLength: 2 },
    ),
    hardware: fc.record(
      {
        cpu: fc.record(
          {
            model: fc.constantFrom({ hostModel: {} }, { named: { name: 'Skylake-Server-v4' } }),
            topology: fc.record({ sockets: small, cores: small, threads: fc.constant(1) }),
            require: fc.constantFrom(['avx2'], ['AVX2'], [], ['not a feature']),
          },
          { requiredKeys: ['model'] },
        ),
        hugepageKiB: fc.constantFrom(2048, 4096),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['memory'] },
);
const statuses = fc.record(
  {
    clusterId: fc.constantFrom('c1', 'c1', 'c1', 'c2'),
    epoch: small,
    token: small,
  },
  { requiredKeys: [] },
);
