import { beforeAll, describe, expect, test, vi } from 'vitest';
import { realEnv } from '../../../src/env/real/real-env.ts';
import { realLog } from '../../../src/env/real/log.ts';
import { virtualMachines } from '../../../src/operator/crd/kinds.ts';
import { applyFinalizers, mergeObject } from '../../../src/operator/kube/apply.ts';
import type { KubeAnswer, KubeObject } from '../../../src/operator/kube/kube-api.ts';
import { Reflector } from '../../../src/operator/kube/reflector.ts';
import { objectPath } from '../../../src/operator/kube/resource.ts';
import type { ControlPlane } from '../testing/control-plane.ts';
import { installCrds, judge } from './crd-rules.ts';

const within = { timeout: 60_000, interval: 50 };

/** What the fake of the unit tests is held to as well. */
export function machinerySuite(plane: () => ControlPlane): void {
  describe('the machinery on a real server', () => {
    beforeAll(() => installCrds(plane()), 120_000);

    const follow = async <T>(
      use: (reflector: Reflector, told: readonly string[]) => Promise<T>,
    ): Promise<T> => {
      const told: string[] = [];
      const ending = new AbortController();
      const reflector = new Reflector({
        env: realEnv({ log: realLog({ level: 'silent' }) }),
        api: plane().api,
        resource: virtualMachines,
        onChange: (key) => told.push(key),
      });
      const running = reflector.run(ending.signal);
      try {
        await reflector.synced;
        return await use(reflector, told);
      } finally {
        ending.abort();
        await running;
      }
    };

    /** A server that has just come back refuses for a while: it is asked until it does as it is told. */
    const insist = (ask: () => Promise<KubeAnswer>): Promise<unknown> =>
      vi.waitUntil(async () => (await ask()).kind === 'answered', within);
    const make = (name: string): Promise<unknown> =>
      insist(() => judge(plane(), name, { memory: '1Gi' }, { keep: true }));
    const remove = (name: string): Promise<unknown> => {
      const path = objectPath(virtualMachines, { namespace: 'default', name });
      return insist(() => plane().api.call({ method: 'DELETE', path }));
    };
    const has = (reflector: Reflector, name: string): boolean =>
      reflector.store.get(`default/${name}`) !== undefined;

    test('a change is seen by a watch', async () => {
      await follow(async (reflector) => {
        await make('seen');
        await vi.waitUntil(() => has(reflector, 'seen'), within);
        await remove('seen');
        await vi.waitUntil(() => !has(reflector, 'seen'), within);
        expect(reflector.counts.lists).toBe(1);
      });
    });

    test('a server that is killed and comes back is followed on, and nothing is missed', async () => {
      await follow(async (reflector) => {
        await make('before');
        await vi.waitUntil(() => has(reflector, 'before'), within);
        await plane().killServer();
        await plane().startServer();
        await remove('before');
        await make('after');
        await vi.waitUntil(() => has(reflector, 'after') && !has(reflector, 'before'), within);
        expect(reflector.counts.watches).toBeGreaterThan(1);
        await remove('after');
      });
    });

    test('a server that comes back with its history compacted is followed on, and nothing is missed', async () => {
      await follow(async (reflector) => {
        await make('old');
        await vi.waitUntil(() => has(reflector, 'old'), within);
        await plane().killServer();
        plane().compact();
        await plane().startServer();
        await remove('old');
        await vi.waitUntil(() => !has(reflector, 'old'), within);
        expect(reflector.counts.watches).toBeGreaterThan(1);
      });
    });

    test('our finalizer keeps an object until it is taken back, and is no change of its spec', async () => {
      const { api } = plane();
      await make('held');
      const path = objectPath(virtualMachines, { namespace: 'default', name: 'held' });
      const read = async (): Promise<KubeObject | null> => {
        const answer = await api.call({ method: 'GET', path });
        return answer.kind === 'answered' ? (answer.body as KubeObject) : null;
      };
      const object = await read();
      if (object === null) throw new Error('it was not made');
      await applyFinalizers(api, virtualMachines, object, ['kennel.dev/domain']);
      await remove('held');
      const held = await read();
      expect(held?.metadata.finalizers).toEqual(['kennel.dev/domain']);
      expect(held?.metadata.deletionTimestamp).toBeDefined();
      expect(held?.spec).toMatchObject({ memory: '1Gi' });
      await applyFinalizers(api, virtualMachines, object, []);
      expect(await read()).toBe(null);
    });

    test('a change that names a version is refused where somebody has written since', async () => {
      const { api } = plane();
      await make('written');
      const path = objectPath(virtualMachines, { namespace: 'default', name: 'written' });
      const answer = await api.call({ method: 'GET', path });
      if (answer.kind === 'failed') throw new Error(answer.failure.message);
      const old = answer.body as KubeObject;
      const { uid, resourceVersion } = old.metadata;
      const patch = (annotation: string | null) => ({
        metadata: { uid, resourceVersion, annotations: { 'kennel.dev/test': annotation } },
      });
      const first = await mergeObject(api, virtualMachines, old, patch('1'));
      expect(first).toMatchObject({
        body: { metadata: { annotations: { 'kennel.dev/test': '1' } } },
      });
      const second = await mergeObject(api, virtualMachines, old, patch(null));
      expect(second).toMatchObject({ kind: 'failed', failure: { kind: 'conflict' } });
      await remove('written');
    });

    test('an object that is gone is not made anew by a write to it', async () => {
      const { api } = plane();
      await make('gone');
      const path = objectPath(virtualMachines, { namespace: 'default', name: 'gone' });
      const answer = await api.call({ method: 'GET', path });
      if (answer.kind === 'failed') throw new Error(answer.failure.message);
      await remove('gone');
      const written = await applyFinalizers(api, virtualMachines, answer.body as KubeObject, [
        'kennel.dev/domain',
      ]);
      expect(written).toMatchObject({ kind: 'failed', failure: { kind: 'conflict' } });
    });
  });
}
