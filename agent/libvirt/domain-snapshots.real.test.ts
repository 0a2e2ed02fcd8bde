import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assembleGuest } from '../../deploy/lab/guest.ts';
import {
  heartbeatRange,
  newestBeat,
  parseHeartbeats,
  type Heartbeat,
} from '../../deploy/lab/heartbeat.ts';
import {
  missingForLibvirtd,
  PrivateLibvirtd,
  until,
} from '../../test/hypervisor/private-libvirtd.ts';
import { contentOf, qcow2With } from '../../test/hypervisor/qcow2.ts';
import { realTimeEnv } from '../../test/hypervisor/test-env.ts';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { SnapshotVerb } from '../../src/core/model/vm-snapshot.ts';
import type { HypervisorResult } from '../hypervisor.ts';
import { LibvirtHypervisor } from './libvirt-hypervisor.ts';
import { dialUnix } from './unix-transport.ts';

const missing = missingForLibvirtd();
const a = vmId('00112233-4455-4677-8899-0000000000ab');
const permitOf = (number: number): Permit => ({
  vm: a,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(number),
});
const code = (result: HypervisorResult<unknown>): string =>
  result.kind === 'failed' ? `${result.code}: ${result.message}` : result.kind;

describe.skipIf(missing !== null)(`snapshots on libvirt ${missing ?? ''}`, () => {
  let daemon: PrivateLibvirtd;
  let hypervisor: LibvirtHypervisor;
  let directory: string;
  let disk: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kennel-snapshot-'));
    disk = join(directory, 'a.qcow2');
    writeFileSync(disk, qcow2With(await assembleGuest(directory)));
    daemon = await PrivateLibvirtd.start();
    const deadlines = { readMs: 15_000, changeMs: 30_000, bootWithinMs: 60_000 };
    hypervisor = new LibvirtHypervisor({
      env: realTimeEnv(),
      dial: dialUnix(daemon.socket),
      deadlines,
    });
    hypervisor.open();
    await until('it is connected', 20_000, () => hypervisor.connected());
  }, 60_000);

  afterAll(async () => {
    await hypervisor.close();
    await daemon.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const start = (number: number): Promise<HypervisorResult<void>> => {
    const source = { kind: 'sharedFile', path: disk } as const;
    const spec = {
      ...tinySpec('a'),
      disks: [{ source, format: 'qcow2', bus: 'virtio', readOnly: false } as const],
    };
    return hypervisor.start(spec, permitOf(number), () => true);
  };
  const snapshot = (verb: SnapshotVerb, name: string): Promise<string> =>
    hypervisor.snapshot(a, { verb, name }, () => true).then(code);
  const beat = (): Heartbeat | null => {
    const { position, length } = heartbeatRange;
    const content = contentOf(readFileSync(disk)).subarray(position, position + length);
    return newestBeat(parseHeartbeats(content));
  };
  const seen = async () => {
    const listed = await hypervisor.list();
    return listed.kind === 'ok' ? listed.value.find(({ vm }) => vm === a) : undefined;
  };
  const beats = (least: number): Promise<void> =>
    until(`the guest wrote ${least} times`, 20_000, () => (beat()?.beat ?? 0) >= least);

  it('a revert takes disks and memory back, without a boot, by the permit of now', async () => {
    expect(code(await start(1))).toBe('ok');
    await beats(2);
    expect(await snapshot('snapshot', 'early')).toBe('ok');
    const early = beat();
    expect(await seen()).toMatchObject({ active: true, state: 'running', permit: permitOf(1) });
    await beats((early?.beat ?? 0) + 4);
    expect(code(await hypervisor.setPermit(permitOf(2)))).toBe('ok');
    const before = beat();
    expect(await snapshot('revert', 'early')).toBe('ok');
    expect(await seen()).toMatchObject({ active: true, state: 'running', permit: permitOf(2) });
    await hypervisor.act(a, 'pause', () => true);
    const after = beat();
    expect(after).toMatchObject({ boots: 1, tag: early?.tag });
    expect(after?.beat).toBeLessThan(before?.beat ?? 0);
    await hypervisor.resume(a);
    await beats((after?.beat ?? 0) + 1);
    expect(await daemon.virsh('snapshot-list', a, '--name')).toBe('');
  }, 60_000);

  it('a deleted one is gone from the disk, and going back to it leaves the VM off', async () => {
    expect(readFileSync(disk).includes('kennel-early')).toBe(true);
    expect(await snapshot('deleteSnapshot', 'early')).toBe('ok');
    expect(await snapshot('deleteSnapshot', 'early')).toBe('ok');
    expect(await snapshot('revert', 'early')).toMatch(/^libvirt/);
    expect(await seen()).toMatchObject({ active: false, permit: permitOf(2) });
    expect(await daemon.virsh('snapshot-list', a, '--name')).toBe('');
    expect(code(await start(3))).toBe('ok');
    expect(code(await hypervisor.destroy(a))).toBe('ok');
    expect(code(await hypervisor.undefine(a))).toBe('ok');
  }, 60_000);
});
