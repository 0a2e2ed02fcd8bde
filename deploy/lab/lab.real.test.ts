import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { newestHeartbeat, heartbeatVm, startHeartbeatVm } from './heartbeat-vm.ts';
import type { HeartbeatVm } from './heartbeat-vm.ts';
import { openLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { machineView, preflight } from './preflight.ts';
import type { LabDisk } from './storage.ts';
import { virsh } from './virsh.ts';
import { waitUntil } from './wait-until.ts';
import { startWitness } from './witness.ts';
import type { Witness } from './witness.ts';

const missing = preflight(machineView()).map((piece) => piece.what);
const libvirtPort = 16_509;

const why = missing.length === 0 ? '' : ` (skipped: this machine lacks ${missing.join(', ')})`;

describe.skipIf(missing.length > 0)(`lab of two nodes${why}`, () => {
  let directory: string;
  let lab: Lab;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kll-'));
    lab = openLab({ directory });
    await lab.up({ nodes: 2, managers: 1, disks: 2 });
  });
  afterAll(async () => {
    await lab.down();
    rmSync(directory, { recursive: true, force: true });
  });

  function until<T>(what: string, probe: () => T | Promise<T>): ReturnType<typeof waitUntil<T>> {
    return waitUntil(what, probe, { timeoutMs: 20_000, everyMs: 50 });
  }

  /** A disk that no other test uses, and a VM on it. Its domains go when the test ends. */
  async function freshVm(name: string): Promise<HeartbeatVm> {
    const [disk] = await lab.addDisks([name]);
    if (disk === undefined) throw new Error('no disk was made');
    const vm = heartbeatVm(disk);
    onTestFinished(async () => {
      for (const node of lab.nodes()) {
        if (node.power() !== 'on') continue;
        await virsh(node.libvirtSocket, ['destroy', vm.name]);
        await virsh(node.libvirtSocket, ['undefine', vm.name]);
      }
    });
    return vm;
  }

  async function witness(disk: LabDisk): Promise<Witness> {
    const watching = await startWitness({ disks: [disk] });
    onTestFinished(async () => {
      await watching.stop();
    });
    return watching;
  }

  function beatOf(disk: LabDisk): number {
    return newestHeartbeat(disk)?.beat ?? 0;
  }

  async function moreBeats(disk: LabDisk, count: number): Promise<void> {
    const from = beatOf(disk);
    await until(`${count} more beats`, () => beatOf(disk) >= from + count);
  }

  async function bootAgain(node: number): Promise<void> {
    const machine = lab.node(node);
    if (machine.power() === 'frozen') await machine.thaw();
    await machine.powerOn();
    await until('libvirtd answers', () => machine.libvirtAnswers());
  }

  async function ipmi(node: number, ...argv: readonly string[]): Promise<string> {
    const { host, user, passwordFile } = lab.bmcOf(node);
    const session = ['-I', 'lanplus', '-C', '3', '-N', '2', '-R', '1', '-H', host, '-U', user];
    const result = await lab.execInFabric(['ipmitool', ...session, '-f', passwordFile, ...argv]);
    return `${result.stdout}${result.stderr}`;
  }

  async function reaches(from: number, to: number): Promise<boolean> {
    const address = `${lab.node(to).address}/${libvirtPort}`;
    const probe = ['timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/${address}`];
    return (await lab.execOnNode(from, probe)).code === 0;
  }

  test('a lab that is up is left alone by another up', async () => {
    const boots = lab.nodes().map((node) => node.bootId());
    expect(await lab.up()).toEqual({ kind: 'alreadyUp', done: [] });
    expect(lab.nodes().map((node) => node.bootId())).toEqual(boots);
  });

  test('each node has a name, a boot id and services of its own', async () => {
    const seen = await Promise.all(
      [1, 2].map(async (node) => {
        const words = ['sh', '-c', 'hostname; cat /proc/sys/kernel/random/boot_id /etc/machine-id'];
        return (await lab.execOnNode(node, words)).stdout.split('\n');
      }),
    );
    expect(seen.map(([name]) => name)).toEqual(['node-1', 'node-2']);
    expect(seen.map(([, bootId]) => bootId)).toEqual(lab.nodes().map((node) => node.bootId()));
    expect(new Set(seen.flat()).size).toBe(6);
    const { nodes } = lab.status();
    expect(nodes.map((node) => node.services)).toEqual([
      { libvirtd: 'running', virtlogd: 'running' },
      { libvirtd: 'running', virtlogd: 'running' },
    ]);
  });

  test('a guest beats four times a second, stands still while its node is frozen, goes on after', async () => {
    const { disk, ...vm } = await freshVm('frozen');
    const clock = await freshVm('clock');
    expect(await startHeartbeatVm(lab.node(1), { ...vm, disk })).toMatchObject({ code: 0 });
    expect(await startHeartbeatVm(lab.node(2), clock)).toMatchObject({ code: 0 });
    await moreBeats(disk, 2);
    const since = performance.now();
    const from = beatOf(disk);
    await moreBeats(disk, 9);
    const perSecond = ((beatOf(disk) - from) * 1000) / (performance.now() - since);
    expect(perSecond).toBeGreaterThan(2);

    await lab.node(1).freeze();
    const stood = beatOf(disk);
    await moreBeats(clock.disk, 5);
    expect(beatOf(disk)).toBe(stood);
    expect(lab.node(1).power()).toBe('frozen');
    await lab.node(1).thaw();
    await moreBeats(disk, 3);
  });

  test('a guest runs on while libvirtd hangs', async () => {
    const vm = await freshVm('hung');
    expect(await startHeartbeatVm(lab.node(1), vm)).toMatchObject({ code: 0 });
    // The tests after this one need it again, whatever becomes of this one.
    onTestFinished(() => void lab.node(1).signalService('libvirtd', 'SIGCONT'));
    expect(lab.node(1).signalService('libvirtd', 'SIGSTOP')).toBe(true);
    // A signal takes a moment to reach every thread.
    await until('it stands still', () => lab.node(1).serviceState('libvirtd') === 'stopped');
    const call = await virsh(lab.node(1).libvirtSocket, ['list'], { timeoutMs: 1000 });
    expect(call.timedOut).toBe(true);
    await moreBeats(vm.disk, 3);
    expect(lab.node(1).signalService('libvirtd', 'SIGCONT')).toBe(true);
    expect(await virsh(lab.node(1).libvirtSocket, ['list'])).toMatchObject({ code: 0 });
  });

  test('the power button of a VM ends the guest', async () => {
    const vm = await freshVm('graceful');
    expect(await startHeartbeatVm(lab.node(1), vm)).toMatchObject({ code: 0 });
    await moreBeats(vm.disk, 1);
    await virsh(lab.node(1).libvirtSocket, ['shutdown', vm.name]);
    await until('it is shut off', async () => {
      const state = await virsh(lab.node(1).libvirtSocket, ['domstate', vm.name]);
      return state.stdout.includes('shut off');
    });
  });

  test('a power loss that nobody asked the BMC for reads Off there', async () => {
    expect(await ipmi(2, 'chassis', 'power', 'status')).toMatch(/Power is on/);
    await lab.node(2).powerLoss();
    expect(lab.node(2).power()).toBe('off');
    expect(await ipmi(2, 'chassis', 'power', 'status')).toMatch(/Power is off/);
    await bootAgain(2);
  });

  test('the BMC kills the node and everything in it, and boots it with another boot id', async () => {
    const vm = await freshVm('fenced');
    const node = lab.node(2);
    const before = node.bootId();
    expect(await startHeartbeatVm(node, vm)).toMatchObject({ code: 0 });
    await moreBeats(vm.disk, 1);
    await node.freeze();
    expect(await ipmi(2, 'chassis', 'power', 'off')).toMatch(/Down\/Off/);
    expect(node.power()).toBe('off');
    expect(readFileSync(join(node.group, 'cgroup.procs'), 'utf8')).toBe('');
    const stood = beatOf(vm.disk);

    expect(await ipmi(2, 'chassis', 'power', 'on')).toMatch(/Up\/On/);
    await until('libvirtd answers', () => node.libvirtAnswers());
    expect(node.power()).toBe('on');
    expect(node.bootId()).not.toBe(before);
    expect(await virsh(node.libvirtSocket, ['list', '--name'])).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(beatOf(vm.disk)).toBe(stood);
    const commands = lab.bmcCalls(2).filter((call) => call.words.startsWith('set'));
    expect(commands.map((call) => call.words)).toEqual(['set power 0', 'set power 1']);
  });

  test('the identity of a BMC is the one it shows', async () => {
    expect(await ipmi(1, 'mc', 'guid')).toContain(lab.bmcOf(1).guid);
    expect(lab.bmcOf(1).guid).not.toBe(lab.bmcOf(2).guid);
  });

  describe('a BMC that misbehaves', () => {
    test.each([
      ['stuck', /Down\/Off/, /Power is on/],
      ['lieOff', /Down\/Off/, /Power is off/],
      ['fail', /Unspecified error/, /Power is on/],
      ['unreachable', /Unable to establish/, /Unable to establish/],
    ] as const)('%s: the node stays on whatever it says', async (fault, off, reading) => {
      const before = lab.node(1).bootId();
      await lab.setBmcFault(1, fault);
      onTestFinished(() => lab.setBmcFault(1, 'ok'));
      expect(await ipmi(1, 'chassis', 'power', 'off')).toMatch(off);
      expect(await ipmi(1, 'chassis', 'power', 'status')).toMatch(reading);
      expect(lab.node(1).power()).toBe('on');
      expect(lab.node(1).bootId()).toBe(before);
      await lab.setBmcFault(1, 'ok');
      expect(await ipmi(1, 'chassis', 'power', 'status')).toMatch(/Power is on/);
    });

    test('slow: the truth comes late', async () => {
      await lab.setBmcFault(1, 'slow:1');
      onTestFinished(() => lab.setBmcFault(1, 'ok'));
      const since = performance.now();
      expect(await ipmi(1, 'chassis', 'power', 'status')).toMatch(/Power is on/);
      expect(performance.now() - since).toBeGreaterThan(900);
    });
  });

  test('a partition cuts both ways, leaves the storage alone, and outlasts a power cycle', async () => {
    const vm = await freshVm('parted');
    expect(await reaches(1, 2)).toBe(true);
    expect(await reaches(2, 1)).toBe(true);
    expect(await startHeartbeatVm(lab.node(1), vm)).toMatchObject({ code: 0 });
    await lab.partition(1);
    expect(await reaches(1, 2)).toBe(false);
    expect(await reaches(2, 1)).toBe(false);
    await moreBeats(vm.disk, 2);

    await lab.node(1).powerLoss();
    await bootAgain(1);
    expect(await reaches(2, 1)).toBe(false);
    await lab.heal(1);
    await until('node-1 reaches node-2', () => reaches(1, 2));
    await until('node-2 reaches node-1', () => reaches(2, 1));
  });

  test('killed processes say farewell to their peers, lost power does not', async () => {
    const listen = async (): Promise<string> => {
      const address = `${lab.node(2).address}/${libvirtPort}`;
      const script = `exec 3<>/dev/tcp/${address}; echo connected >&2; read -t 3 -u 3; echo $?`;
      return (await lab.execInFabric(['bash', '-c', script])).stdout.trim();
    };
    const connected = (): Promise<boolean> =>
      lab
        .execInFabric(['ss', '-Htn', 'state', 'established', 'dport', `= :${libvirtPort}`])
        .then((result) => result.stdout.trim() !== '');
    const killed = listen();
    await until('connected', connected);
    await lab.node(2).kill();
    expect(await killed).toBe('1'); // end of file
    await bootAgain(2);
    const lost = listen();
    await until('connected', connected);
    await lab.node(2).powerLoss();
    expect(Number(await lost)).toBeGreaterThan(128); // nothing came within the time
    await bootAgain(2);
  });

  test('I1: a VM that runs on two nodes is seen by the witness, one that moved is not', async () => {
    const moved = await freshVm('moved');
    const doubled = await freshVm('doubled');
    const good = await witness(moved.disk);
    const bad = await witness(doubled.disk);
    for (const vm of [moved, doubled]) {
      expect(await startHeartbeatVm(lab.node(1), vm)).toMatchObject({ code: 0 });
      await moreBeats(vm.disk, 2);
    }
    await virsh(lab.node(1).libvirtSocket, ['destroy', moved.name]);
    for (const vm of [moved, doubled]) {
      expect(await startHeartbeatVm(lab.node(2), vm)).toMatchObject({ code: 0 });
    }
    await moreBeats(moved.disk, 3);
    await until('the witness reports an overlap', () => bad.report().overlaps.length > 0);
    expect(bad.report().overlaps[0]).toMatchObject({
      disk: 'doubled',
      older: { boots: 1 },
      newer: { boots: 2 },
    });
    expect(good.report()).toMatchObject({ disks: 1, overlaps: [], unreadable: [] });
    expect(good.report().writers[0]?.writers).toHaveLength(2);
  });

  test('I1: a frozen node that thaws after its VM was started elsewhere is seen by the witness', async () => {
    const vm = await freshVm('thawed');
    const watching = await witness(vm.disk);
    expect(await startHeartbeatVm(lab.node(1), vm)).toMatchObject({ code: 0 });
    await moreBeats(vm.disk, 2);
    await lab.node(1).freeze();
    expect(await startHeartbeatVm(lab.node(2), vm)).toMatchObject({ code: 0 });
    await until('the second writer', () => newestHeartbeat(vm.disk)?.boots === 2);
    await moreBeats(vm.disk, 3);
    expect(watching.report().overlaps).toEqual([]);
    await lab.node(1).thaw();
    await until('the witness reports an overlap', () => watching.report().overlaps.length > 0);
  });

  test('a service added to a node is kept running, also over a power cycle, unless it is off', async () => {
    const node = lab.node(2);
    node.addService({
      name: 'agent',
      argv: ['sh', '-c', 'echo $NAME; sleep 1000'],
      env: { NAME: 'rex' },
    });
    onTestFinished(() => {
      rmSync(join(node.directory, 'services', 'agent.run'));
    });
    // A process runs from its fork on; that it came to its work shows in what it printed.
    const worked = (times: number) => (): boolean =>
      node.serviceState('agent') === 'running' &&
      readFileSync(node.serviceLog('agent'), 'utf8') === 'rex\n'.repeat(times);
    await until('it runs', worked(1));
    expect(node.signalService('agent', 'SIGKILL')).toBe(true);
    await until('it runs again', worked(2));
    await node.powerLoss();
    await bootAgain(2);
    await until('it runs after the boot', worked(3));
    node.allowService('agent', false);
    node.signalService('agent', 'SIGKILL');
    await until('it is off', () => node.serviceState('agent') === 'off');
  });

  test('a manager runs in its own place, can be frozen, cut off and killed', async () => {
    const port = 7001;
    const script = `import { createServer } from 'node:http';
      createServer((_, answer) => answer.end('here')).listen(${port}, '0.0.0.0');`;
    const manager = await lab.spawnManager(
      [process.execPath, '--input-type=module', '-e', script],
      { name: 'manager' },
    );
    onTestFinished(() => manager.kill());
    const answers = async (): Promise<boolean> => {
      const address = `${lab.managerAddress()}/${port}`;
      const request = `exec 3<>/dev/tcp/${address}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; grep -q here <&3`;
      return (await lab.execOnNode(1, ['timeout', '1', 'bash', '-c', request])).code === 0;
    };
    await until('it answers', answers);
    expect(lab.process('manager').pid).toBe(manager.pid);
    await manager.freeze();
    expect(manager.state()).toBe('frozen');
    expect(await answers()).toBe(false);
    await manager.thaw();
    await until('it answers again', answers);
    await lab.setManagerCable(1, 'down');
    expect(await answers()).toBe(false);
    await lab.setManagerCable(1, 'up');
    await until('it answers again', answers);
    await manager.kill();
    expect(manager.state()).toBe('dead');
    const again = await lab.restartProcess('manager');
    onTestFinished(() => again.kill());
    await until('it answers once more', answers);
    await expect(lab.restartProcess('manager')).rejects.toThrow(/running/);
    expect(again.signal('SIGTERM')).toBe(true);
    await until('it has ended', () => again.state() === 'dead');
  });
});
