import { expect, test } from 'vitest';
import { VirtualTime } from '../chaos/sim/virtual-time.ts';
import { incarnationId, nodeId, token, vmId } from '../src/core/model/ids.ts';
import type { Permit } from '../src/core/model/permit.ts';
import { ChangeSignal } from './change-signal.ts';
import { DomainList } from './domain-list.ts';
import { removeDomain } from './domain-removal.ts';
import type { Hypervisor, HypervisorDomain, HypervisorResult } from './hypervisor.ts';
import { Turns } from './turns.ts';

const vm = vmId('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
const permit: Permit = {
  vm,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(4),
};
const active: HypervisorDomain = {
  vm,
  name: 'a',
  active: true,
  state: 'running',
  reason: 'booted',
  permit,
  persistent: true,
};
const off: HypervisorDomain = { ...active, active: false, state: 'shutOff', reason: 'destroyed' };

const ok = { kind: 'ok', value: undefined } as const;
const failed = { kind: 'failed', code: 'busy', message: 'it is busy' } as const;

/** A hypervisor with one domain (null = none) that plays a script of what each call does to it. */
function bench(start: HypervisorDomain | null) {
  const time = new VirtualTime();
  const calls: string[] = [];
  const scene = {
    domain: start,
    answers: true,
    destroy: (): HypervisorResult<void> => {
      scene.domain = off;
      return ok;
    },
    undefine: (): HypervisorResult<void> => {
      scene.domain = null;
      return ok;
    },
  };
  const hypervisor = {
    list: () => {
      const value = scene.domain === null ? [] : [scene.domain];
      if (scene.answers) return Promise.resolve({ kind: 'ok', value });
      return Promise.resolve({ kind: 'ambiguous', message: 'it is silent' });
    },
    destroy: () => {
      calls.push('destroy');
      return Promise.resolve(scene.destroy());
    },
    undefine: () => {
      calls.push('undefine');
      return Promise.resolve(scene.undefine());
    },
  } as unknown as Hypervisor;
  const timers = { after: (delayMs: number, run: () => void) => time.schedule(delayMs, run) };
  const tools = {
    clock: { monotonicMs: () => time.nowMs, boottimeMs: () => time.nowMs, wallIso: () => '' },
    hypervisor,
    domains: new DomainList(hypervisor, () => {}),
    changes: new ChangeSignal(timers),
    lookMs: 500,
    turns: new Turns(timers, 8),
    stopping: () => false,
  };
  const remove = async (only: Permit | null = null) => {
    let end: Awaited<ReturnType<typeof removeDomain>> | null = null;
    void removeDomain(tools, vm, { only, boundMs: 10_000 }).then((removal) => (end = removal));
    await time.runUntil(() => end !== null, 60_000);
    return end;
  };
  return { scene, calls, remove, time };
}

test('an active domain is cut, forgotten, and gone', async () => {
  const { calls, remove } = bench(active);
  expect(await remove()).toEqual({ kind: 'gone' });
  expect(calls).toEqual(['destroy', 'undefine']);
});

test('a domain that is absent already is gone only after an undefine', async () => {
  const { calls, remove } = bench(null);
  expect(await remove()).toEqual({ kind: 'gone' });
  expect(calls).toEqual(['undefine']);
});

test('a start that slips in between cut and undefine is cut too', async () => {
  const { scene, calls, remove } = bench(active);
  let late = true;
  scene.undefine = () => {
    scene.domain = late ? active : null;
    late = false;
    return ok;
  };
  expect(await remove()).toEqual({ kind: 'gone' });
  expect(calls).toEqual(['destroy', 'undefine', 'destroy', 'undefine']);
});

test('a domain that does not go is not gone: unsure within the bound, with the reason', async () => {
  const { scene, calls, remove, time } = bench(active);
  scene.destroy = () => failed;
  expect(await remove()).toEqual({ kind: 'unsure', because: 'it is busy' });
  expect(time.nowMs).toBe(10_000);
  expect(calls.length).toBeLessThan(25);
});

test('a call that claims success without effect is not believed', async () => {
  const { scene, remove } = bench(active);
  scene.destroy = () => ok;
  expect(await remove()).toEqual({ kind: 'unsure', because: 'it is active' });
});

test('N11: a hypervisor that does not answer is asked for nothing, and the end is unsure', async () => {
  const { scene, calls, remove } = bench(active);
  scene.answers = false;
  expect(await remove()).toEqual({ kind: 'unsure', because: 'it is silent' });
  expect(calls).toEqual([]);
});

test('a domain under another permit is left alone when only one permit is meant', async () => {
  const { calls, remove } = bench({ ...active, permit: { ...permit, token: token(5) } });
  expect(await remove(permit)).toMatchObject({ kind: 'foreign' });
  expect(calls).toEqual([]);
});
