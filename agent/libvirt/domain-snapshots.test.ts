import { expect, test } from 'vitest';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { VirtualTime } from '../../test/hypervisor/virtual-time.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { SnapshotVerb } from '../../src/core/model/vm-snapshot.ts';
import type { HypervisorResult } from '../hypervisor.ts';
import { FakeLibvirtd } from './fake/fake-libvirtd.ts';
import { LibvirtHypervisor } from './libvirt-hypervisor.ts';

const a = vmId('00112233-4455-4677-8899-000000000001');
const permitOf = (number: number): Permit => ({
  vm: a,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(number),
});
const code = (result: HypervisorResult<unknown>): string =>
  result.kind === 'failed' ? result.code : result.kind;

async function bench() {
  const time = new VirtualTime();
  const daemon = new FakeLibvirtd(time.timers);
  const hypervisor = new LibvirtHypervisor({ env: time.env(), dial: daemon.dial });
  hypervisor.open();
  await time.until('it is connected', () => hypervisor.connected());
  const snapshot = async (verb: SnapshotVerb, may = true): Promise<string> =>
    code(await time.settle(hypervisor.snapshot(a, { verb, name: 's-1' }, () => may)));
  const start = (number: number) =>
    time.settle(hypervisor.start(tinySpec('db'), permitOf(number), () => true)).then(code);
  const seen = async () => {
    const listed = await time.settle(hypervisor.list());
    return listed.kind === 'ok' ? listed.value[0] : undefined;
  };
  return { time, daemon, hypervisor, snapshot, start, seen };
}

test('libvirt has no entry of a snapshot before, between and after the calls', async () => {
  const { daemon, snapshot, start } = await bench();
  await start(1);
  const domain = daemon.host.find(a);
  for (const verb of ['snapshot', 'revert', 'deleteSnapshot'] as const) {
    expect(await snapshot(verb)).toBe('ok');
    expect(domain.entries.size).toBe(0);
  }
  expect([...domain.inDisks]).toEqual([]);
});

test('a VM that is reverted runs from its first moment by the permit of now, not of then', async () => {
  const { time, hypervisor, snapshot, start, seen } = await bench();
  await start(1);
  expect(await snapshot('snapshot')).toBe('ok');
  expect(code(await time.settle(hypervisor.setPermit(permitOf(4))))).toBe('ok');
  expect(await snapshot('revert')).toBe('ok');
  expect(await seen()).toMatchObject({ active: true, reason: 'fromSnapshot', permit: permitOf(4) });
});

test('an entry that libvirt would not forget is gone with the next call, or with the definition', async () => {
  const { time, daemon, hypervisor, snapshot, start, seen } = await bench();
  await start(1);
  await snapshot('snapshot');
  const { entries } = daemon.host.find(a);
  const notNow = { kind: 'error', number: 1, message: 'not now' } as const;
  daemon.inject('snapshotDelete', notNow);
  expect(await snapshot('revert')).toBe('ok');
  expect(entries.size).toBe(1);
  expect(await snapshot('revert')).toBe('ok');
  expect(entries.size).toBe(0);
  daemon.inject('snapshotDelete', notNow);
  await snapshot('revert');
  await time.settle(hypervisor.destroy(a));
  expect(code(await time.settle(hypervisor.undefine(a)))).toBe('ok');
  expect(await seen()).toBeUndefined();
});

test('what cannot be done leaves no entry either, and says why', async () => {
  const { time, daemon, hypervisor, snapshot, start, seen } = await bench();
  expect(await snapshot('snapshot')).toBe('noDomain');
  await start(1);
  expect(await snapshot('revert')).toBe('libvirtOperationFailed');
  expect(await snapshot('revert', false)).toBe('actionTooLate');
  expect(await snapshot('snapshot', false)).toBe('actionTooLate');
  expect(daemon.host.find(a)).toMatchObject({ boots: 1, entries: new Map(), inDisks: new Set() });
  expect(await seen()).toMatchObject({ active: true, permit: permitOf(1) });
  await time.settle(hypervisor.destroy(a));
  expect(await snapshot('revert')).toBe('notActive');
});

test('deleting one that is not in the disks is no failure', async () => {
  const { snapshot, start } = await bench();
  await start(1);
  expect(await snapshot('deleteSnapshot')).toBe('ok');
});
