import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeHypervisor } from '../../test/hypervisor/conformance.ts';
import {
  missingForLibvirtd,
  PrivateLibvirtd,
  until,
} from '../../test/hypervisor/private-libvirtd.ts';
import { qemuOf, realLibvirtdLab, storedToken } from '../../test/hypervisor/real-libvirtd-lab.ts';
import { realTimeEnv } from '../../test/hypervisor/test-env.ts';
import { tinySpec, tinyXml } from '../../test/hypervisor/tiny-vm.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { VmDisk, VmSpec } from '../../src/core/model/vm.ts';
import type { HypervisorDomain, HypervisorResult } from '../hypervisor.ts';
import { LibvirtClient } from './client.ts';
import { uuidBytes } from './domain-ref.ts';
import { domainXml } from './domain-xml.ts';
import { readDomainSpec } from './domain-spec.ts';
import { LibvirtHypervisor } from './libvirt-hypervisor.ts';
import { procedures } from './procedures.ts';
import { dialUnix } from './unix-transport.ts';

const missing = missingForLibvirtd();
const title = missing === null ? 'the libvirt client on libvirtd' : `skipped, ${missing}:`;

describeHypervisor(title, realLibvirtdLab, { skip: missing !== null });

const vm = (number: number): VmId =>
  vmId(`00112233-4455-4677-8899-${number.toString(16).padStart(12, '0')}`);
const a = vm(1);
const b = vm(2);

const permitOf = (id: VmId, number: number): Permit => ({
  vm: id,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(number),
});

const code = (result: HypervisorResult<unknown>): string =>
  result.kind === 'failed' ? result.code : result.kind;

describe.skipIf(missing !== null)(`${title} under faults`, () => {
  let daemon: PrivateLibvirtd;
  let hypervisor: LibvirtHypervisor;

  beforeEach(async () => {
    daemon = await PrivateLibvirtd.start();
    hypervisor = new LibvirtHypervisor({ env: realTimeEnv(), dial: dialUnix(daemon.socket) });
    hypervisor.open();
    await until('it is connected', 20_000, () => hypervisor.connected());
    // A fresh libvirtd first runs QEMU to learn what it can do: not what is timed here.
    await daemon.virsh('capabilities');
    await daemon.virsh('domcapabilities', '--virttype', 'qemu');
  });
  afterEach(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  const start = (id: VmId, number: number): Promise<HypervisorResult<void>> =>
    hypervisor.start(tinySpec(`vm-${id.slice(-1)}`), permitOf(id, number));
  const find = async (id: VmId): Promise<HypervisorDomain | undefined> => {
    const result = await hypervisor.list();
    if (result.kind !== 'ok') throw new Error(`${result.kind}: ${result.message}`);
    return result.value.find((domain) => domain.vm === id);
  };
  const elapsed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const began = performance.now();
    const value = await work;
    return [value, performance.now() - began];
  };

  it('N11: a stopped libvirtd ends all calls together, never blocks, and is used again', async () => {
    expect(code(await start(a, 1))).toBe('ok');
    const qemu = qemuOf(daemon, a);
    let longestPauseMs = 0;
    let last = performance.now();
    const heart = setInterval(() => {
      longestPauseMs = Math.max(longestPauseMs, performance.now() - last);
      last = performance.now();
    }, 20);
    expect(daemon.signal('libvirtd', 'SIGSTOP')).toBe(1);
    const [listed, listMs] = await elapsed(hypervisor.list());
    expect(['ambiguous', 'libvirtUnavailable']).toContain(code(listed));
    expect(listMs).toBeLessThan(4500);
    const endedAt: number[] = [];
    const calls = [
      hypervisor.setPermit(permitOf(a, 9)),
      hypervisor.destroy(a),
      hypervisor.xml(a),
      ...Array.from({ length: 10 }, () => hypervisor.capacity()),
    ].map(async (call) => {
      const result = await call;
      endedAt.push(performance.now());
      return code(result);
    });
    const results = new Set(await Promise.all(calls));
    expect(
      [...results].every((each) => each === 'ambiguous' || each === 'libvirtUnavailable'),
    ).toBe(true);
    expect(Math.max(...endedAt) - Math.min(...endedAt)).toBeLessThan(1500);
    await until('it is known as gone', 5000, () => !hypervisor.connected());
    clearInterval(heart);
    expect(longestPauseMs).toBeLessThan(2000);
    expect(() => process.kill(qemu, 0)).not.toThrow();
    daemon.signal('libvirtd', 'SIGCONT');
    await until('it is connected again', 20_000, () => hypervisor.connected());
    expect((await find(a))?.active).toBe(true);
    expect(qemuOf(daemon, a)).toBe(qemu);
  });

  it('N11: a killed libvirtd is known at once; VMs run on with their permits', async () => {
    expect(code(await start(a, 7))).toBe('ok');
    const qemu = qemuOf(daemon, a);
    const pending = hypervisor.list();
    const killed = performance.now();
    daemon.signal('libvirtd', 'SIGKILL');
    await until('it is known as gone', 2000, () => !hypervisor.connected());
    expect(performance.now() - killed).toBeLessThan(2000);
    expect(['ok', 'ambiguous', 'libvirtUnavailable']).toContain(code(await pending));
    expect(code(await hypervisor.list())).toBe('libvirtUnavailable');
    await daemon.startDaemon();
    await until('it is connected again', 20_000, () => hypervisor.connected());
    expect(await find(a)).toMatchObject({ active: true, state: 'running', permit: permitOf(a, 7) });
    expect(qemuOf(daemon, a)).toBe(qemu);
    expect(code(await start(a, 7))).toBe('ok');
    expect(code(await hypervisor.setPermit(permitOf(a, 8)))).toBe('ok');
    expect(await storedToken(daemon, a)).toBe('8');
    expect(code(await hypervisor.destroy(a))).toBe('ok');
    expect(() => process.kill(qemu, 0)).toThrow('ESRCH');
  });

  it('a call that was given up on can still take effect once libvirtd goes on', async () => {
    expect(code(await start(a, 1))).toBe('ok');
    const client = new LibvirtClient({ env: realTimeEnv(), dial: dialUnix(daemon.socket) });
    client.open();
    await until('it is connected', 20_000, () => client.connected());
    const uuid = uuidBytes(a) ?? new Uint8Array(16);
    const found = await client.reads.call(procedures.lookupByUuid, { uuid }, 5000);
    if (found.kind !== 'ok') throw new Error(found.kind);
    daemon.signal('libvirtd', 'SIGSTOP');
    const args = { domain: found.value.domain, flags: 0 };
    const destroyed = await client.kills.call(procedures.destroyFlags, args, 30_000);
    expect(destroyed.kind).toBe('ambiguous');
    client.close();
    daemon.signal('libvirtd', 'SIGCONT');
    await until('it is connected again', 20_000, () => hypervisor.connected());
    await until('the VM is off', 10_000, async () => (await find(a))?.active === false);
    expect(await find(a)).toMatchObject({ reason: 'destroyed' });
  });

  it('a VM whose QEMU hangs takes ten seconds to destroy, and the others are listed meanwhile', async () => {
    expect(code(await start(a, 1))).toBe('ok');
    expect(code(await start(b, 2))).toBe('ok');
    await find(a);
    process.kill(qemuOf(daemon, a), 'SIGSTOP');
    expect(await find(a)).toMatchObject({ active: true, state: 'running' });
    const destroy = elapsed(hypervisor.destroy(a));
    let rounds = 0;
    await until('the kill has begun', 5000, async () => (await find(a))?.reason === 'destroying');
    while (rounds < 5) {
      const [other, listMs] = await elapsed(find(b));
      expect(other).toMatchObject({ active: true, permit: permitOf(b, 2) });
      expect(listMs).toBeLessThan(2500);
      rounds += 1;
    }
    expect(rounds).toBe(5);
    const [result, destroyMs] = await destroy;
    expect(code(result)).toBe('ok');
    expect(destroyMs).toBeGreaterThan(5000);
    expect(await find(a)).toMatchObject({ active: false, reason: 'destroyed' });
  }, 60_000);

  it('V3: libvirtd says of a guest without an agent that it does not answer, in time', async () => {
    expect(code(await hypervisor.pingGuest(a, 1000))).toBe('ambiguous');
    expect(code(await start(a, 1))).toBe('ok');
    const [asked, tookMs] = await elapsed(hypervisor.pingGuest(a, 1000));
    expect(code(asked)).toBe('guestAgentUnresponsive');
    expect(tookMs).toBeLessThan(5000);
    expect(await find(a)).toMatchObject({ active: true, state: 'running' });
  });

  it('V15: a VM started by hand shows without a permit, and can be given one', async () => {
    const xml = tinyXml('hand').replace('<memory', `<uuid>${a}</uuid><memory`);
    writeFileSync(join(daemon.root, 'hand.xml'), xml);
    await daemon.virsh('create', join(daemon.root, 'hand.xml'));
    expect(await find(a)).toMatchObject({ active: true, permit: null, persistent: false });
    expect(code(await hypervisor.start(tinySpec('hand'), permitOf(a, 1)))).toBe(
      'activeWithOtherPermit',
    );
    expect(code(await hypervisor.setPermit(permitOf(a, 3)))).toBe('ok');
    expect((await find(a))?.permit).toEqual(permitOf(a, 3));
    expect(await daemon.virsh('dumpxml', a)).toContain('token="3"');
    expect(code(await hypervisor.destroy(a))).toBe('ok');
    expect(await find(a)).toBeUndefined();
  });

  it('what a VM uses is told from the second look on: CPUs kept busy, and memory of the host', async () => {
    const use = async () => {
      const looked = await hypervisor.usage();
      if (looked.kind !== 'ok') throw new Error(looked.message);
      return looked.value.find((one) => one.vm === a);
    };
    expect(code(await start(a, 1))).toBe('ok');
    expect(await use()).toBeUndefined();
    // A guest without a system keeps its one CPU busy in the firmware, and QEMU holds memory for it.
    await until('it is seen at work', 20_000, async () => ((await use())?.cpus ?? 0) > 0);
    const { cpus = 0, memoryMiB = 0 } = (await use()) ?? {};
    expect(cpus).toBeLessThan(8);
    expect(memoryMiB).toBeGreaterThan(5);
    expect(memoryMiB).toBeLessThan(2048);
    expect(code(await hypervisor.destroy(a))).toBe('ok');
    expect(await use()).toBeUndefined();
  });

  it('a VM with a disk and a console log boots as specified, and its XML can be adopted', async () => {
    const path = join(daemon.root, 'disks/a.raw');
    writeFileSync(path, '');
    truncateSync(path, 1024 * 1024);
    const consoleLog = join(daemon.root, 'disks/a.log');
    writeFileSync(consoleLog, 'kept from the last run\n');
    const disk: VmDisk = {
      source: { kind: 'sharedFile', path },
      format: 'raw',
      bus: 'virtio',
      readOnly: false,
    };
    const spec: VmSpec = { ...tinySpec('a'), disks: [disk], consoleLog };
    expect(await hypervisor.start(spec, permitOf(a, 1))).toEqual({ kind: 'ok', value: undefined });
    const live = await daemon.virsh('dumpxml', a);
    expect(live).toContain("error_policy='stop'");
    expect(live).toContain("cache='none'");
    expect(live).toContain('<on_crash>destroy</on_crash>');
    expect(readFileSync(consoleLog, 'utf8')).toContain('kept from the last run');
    const xml = await hypervisor.xml(a);
    const adopted = readDomainSpec(xml.kind === 'ok' ? xml.value : '');
    expect(adopted).toMatchObject({
      kind: 'ok',
      value: { name: 'a', memoryMiB: 2, disks: [{ source: { kind: 'local', path } }] },
    });
    expect(code(await hypervisor.destroy(a))).toBe('ok');
    if (adopted.kind !== 'ok') return;
    expect(code(await hypervisor.start(adopted.value, permitOf(a, 2)))).toBe('ok');
    expect(await find(a)).toMatchObject({ active: true, permit: permitOf(a, 2) });
  });

  it('V6: an unknown machine type or an absent disk fails that start, and nothing boots', async () => {
    const machine = { kind: 'typed', machine: 'nope', emulated: true } as const;
    const result = await hypervisor.start(
      { ...tinySpec('a'), definition: machine },
      permitOf(a, 1),
    );
    expect(result).toMatchObject({ kind: 'failed', code: 'domainXmlInvalid' });
    expect(await find(a)).toBeUndefined();
    const absent: VmDisk = {
      source: { kind: 'sharedFile', path: join(daemon.root, 'disks/absent.raw') },
      format: 'raw',
      bus: 'virtio',
      readOnly: false,
    };
    const noDisk = await hypervisor.start({ ...tinySpec('a'), disks: [absent] }, permitOf(a, 1));
    expect(noDisk.kind).toBe('failed');
    expect(await find(a)).toMatchObject({ active: false });
  });

  it('every typed definition passes libvirt’s schema', async () => {
    const disks: readonly VmDisk[] = (
      [
        { kind: 'nbd', host: '10.0.0.9', port: 10_809, export: 'x' },
        { kind: 'rbd', pool: 'vms', image: 'x' },
        { kind: 'iscsi', portal: '[fd00::9]:3260', target: 'iqn.2020-01.org.x:a', lun: 3 },
        { kind: 'sharedFile', path: '/srv/a.qcow2' },
        { kind: 'local', path: '/dev/sdz' },
      ] as const
    ).flatMap((source) =>
      (['virtio', 'sata', 'scsi'] as const).map((bus) => ({
        source,
        format: source.kind === 'sharedFile' ? ('qcow2' as const) : ('raw' as const),
        bus,
        readOnly: bus !== 'virtio',
      })),
    );
    const spec: VmSpec = {
      ...tinySpec('all & <everything> "quoted"'),
      vcpus: 4,
      memoryMiB: 4096,
      disks,
      interfaces: [
        { mac: '52:54:00:00:00:01', attach: { kind: 'bridge', bridge: 'br0' }, model: 'virtio' },
        { mac: '52:54:00:00:00:02', attach: { kind: 'network', network: 'lan' }, model: 'e1000' },
      ],
    };
    for (const [index, definition] of [
      { machine: null, emulated: true },
      { machine: 'q35', emulated: true },
      { machine: 'pc', emulated: true },
    ].entries()) {
      for (const consoleLog of [null, '/var/log/x.log']) {
        const written = domainXml({ ...spec, consoleLog }, definition, permitOf(vm(index + 10), 1));
        expect(written.kind).toBe('ok');
        if (written.kind !== 'ok') return;
        const path = join(daemon.root, 'd.xml');
        writeFileSync(path, written.xml);
        await daemon.virsh('define', '--validate', path);
        expect(await daemon.virsh('list', '--all', '--name')).toContain('all & <everything>');
        await daemon.virsh('undefine', vm(index + 10));
      }
    }
  });
});
