import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import { killManagerInFailover } from './manager-kill-round.ts';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';

const names = ['disk-1', 'disk-2', 'disk-3'];

describe.skipIf(noLab.skip)(`failover on a real cluster${noLab.why}`, () => {
  let site: WatchedCluster;

  beforeAll(async () => {
    site = await WatchedCluster.up({ vms: names.length });
  });
  afterEach(async () => site.restore());
  afterAll(async () => site.down());

  test('N1 B3 N21: VMs of a node without power run elsewhere by readings alone; it returns empty', async () => {
    const { machine, vms } = await site.busiest();
    const [boots, commands] = [site.bootsOf(names), site.powerCommands(machine)];
    const before = await site.node(machine.name);
    const since = performance.now();
    await machine.powerLoss();
    await site.recovered(vms, machine.name);
    expect(performance.now() - since).toBeLessThan(20_000);
    await site.beating(names);

    const failover = (await site.failovers()).at(-1);
    expect(failover).toMatchObject({ node: machine.name, proof: { kind: 'powerOff' } });
    expect(failover?.vms.map((vm) => vm.name).toSorted()).toEqual(vms.toSorted());
    for (const vm of failover?.vms ?? []) {
      expect(Date.parse(vm.startedAt ?? '')).toBeGreaterThanOrEqual(
        Date.parse(failover?.provenAt ?? ''),
      );
    }
    expect(site.powerCommands(machine)).toEqual(commands);
    await site.bootedOnce(Object.fromEntries(vms.map((vm) => [vm, boots[vm] ?? 0])));
    const others = names.filter((name) => !vms.includes(name));
    for (const name of others) expect([name, site.boots(name)]).toEqual([name, boots[name]]);
    for (const [name, nodes] of await site.copies())
      expect([name, nodes.length]).toEqual([name, 1]);

    const mark = await site.now();
    await machine.powerOn();
    await site.healthy();
    const after = await site.node(machine.name);
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(after.vms).toBe(0);
    expect([...(await site.copies()).values()].flat()).not.toContain(machine.name);
    const codes = await site.codesAfter(mark);
    expect(codes).toContain('NODE_ADMITTED');
    expect(codes).not.toContain('FENCE_INTENT');
  });

  test('N3 N7: a frozen node is powered off before its VMs start, so thawing it wakes nobody', async () => {
    const { machine, vms } = await site.busiest();
    const [boots, commands] = [site.bootsOf(vms), site.powerCommands(machine)];
    await machine.freeze();
    await site.recovered(vms, machine.name);
    expect(machine.power()).toBe('off');
    expect(site.powerCommands(machine)).toEqual([...commands, 'set power 0']);
    await machine.thaw();
    await site.beating(vms);
    await site.bootedOnce(boots);
    expect([...(await site.copies()).values()].map((nodes) => nodes.length)).toEqual([1, 1, 1]);
  });

  test('N6 W2: a freeze and a cut that are shorter than the detection window change nothing', async () => {
    const { machine } = await site.busiest();
    const [mark, permits] = [await site.now(), await site.permits()];
    await machine.freeze();
    await site.until('it is suspect', ({ nodes }) =>
      nodes.some((node) => node.name === machine.name && node.state === 'suspect'),
    );
    await machine.thaw();
    await site.healthy();
    await site.lab.partition(machine.number);
    await site.until('it is suspect again', ({ nodes }) =>
      nodes.some((node) => node.name === machine.name && node.state === 'suspect'),
    );
    await site.lab.heal(machine.number);
    await site.healthy();
    expect(await site.events(mark)).toEqual([]);
    expect(await site.permits()).toEqual(permits);
  });

  test('N8: a node that is back with another boot id is proven dead by that, without a command', async () => {
    const { machine, vms } = await site.busiest();
    const [boots, commands] = [site.bootsOf(vms), site.powerCommands(machine)];
    const known = new Set((await site.failovers()).map((failover) => failover.id));
    await site.lab.setBmcFault(machine.number, 'unreachable');
    await machine.kill();
    await machine.powerOn();
    const failover = await waitUntil(
      'the failover is over',
      async () =>
        (await site.failovers()).find((one) => !known.has(one.id) && one.outcome === 'completed'),
      { timeoutMs: 30_000, everyMs: 100 },
    );
    expect(failover).toMatchObject({ node: machine.name, proof: { kind: 'newBoot' } });
    expect(failover.vms.map((vm) => vm.name).toSorted()).toEqual(vms.toSorted());
    await site.healthy();
    await site.beating(vms);
    expect(site.powerCommands(machine)).toEqual(commands);
    await site.bootedOnce(boots);
  });

  test('N11: while libvirtd hangs its VMs are unknown, run on, and nothing starts elsewhere', async () => {
    const { machine, vms } = await site.busiest();
    const [boots, permits, mark] = [site.bootsOf(names), await site.permits(), await site.now()];
    expect(machine.signalService('libvirtd', 'SIGSTOP')).toBe(true);
    const hungAt = performance.now();
    const view = await site.until('its VMs are unknown', (seen) =>
      seen.vms.filter((vm) => vms.includes(vm.name)).every((vm) => vm.state === 'unknown'),
    );
    expect(view.findings.map((finding) => finding.code)).toContain('HYPERVISOR_UNREACHABLE');
    await waitUntil('10 s have passed', () => performance.now() - hungAt > 10_000, {
      timeoutMs: 20_000,
      everyMs: 100,
    });
    await site.beating(vms);
    expect((await site.node(machine.name)).state).toBe('online');
    expect(machine.signalService('libvirtd', 'SIGCONT')).toBe(true);
    await site.healthy();
    expect(await site.permits()).toEqual(permits);
    expect(site.bootsOf(names)).toEqual(boots);
    expect(await site.codesAfter(mark)).toEqual([]);
  });

  test('N11: a libvirtd that is killed and restarted leaves VMs and permits as they are', async () => {
    const { machine, vms } = await site.busiest();
    const [boots, permits, mark] = [site.bootsOf(names), await site.permits(), await site.now()];
    expect(machine.signalService('libvirtd', 'SIGKILL')).toBe(true);
    await site.until('its VMs are unknown', (seen) =>
      seen.vms.filter((vm) => vms.includes(vm.name)).every((vm) => vm.state === 'unknown'),
    );
    await site.healthy();
    await site.beating(names);
    expect(await site.permits()).toEqual(permits);
    expect(site.bootsOf(names)).toEqual(boots);
    expect(await site.codesAfter(mark)).toEqual([]);
  });

  test('M2: a manager that stood still for 10 s fences none of the nodes it did not hear', async () => {
    const [permits, mark] = [await site.permits(), await site.now()];
    const manager = site.cluster.manager();
    expect(manager.signal('SIGSTOP')).toBe(true);
    const stoppedAt = performance.now();
    await waitUntil('10 s have passed', () => performance.now() - stoppedAt > 10_000, {
      timeoutMs: 20_000,
      everyMs: 100,
    });
    expect(manager.signal('SIGCONT')).toBe(true);
    await site.healthy();
    await site.until('every node has a lease again', ({ nodes }) =>
      nodes.every((node) => node.leaseMs !== null),
    );
    expect(await site.codesAfter(mark)).toEqual([]);
    expect(await site.permits()).toEqual(permits);
    await site.beating(names);
  });

  // The middle of the failover: the intent and its readings, the proof and the starts, after them.
  test.each([3100, 4200, 4700])(
    'M1: a manager killed %i ms into a failover starts no VM twice and forgets none',
    async (killAfterMs) => {
      expect((await killManagerInFailover(site, killAfterMs)).problems).toEqual([]);
    },
  );

  test('I1: the witness saw every disk all the time, and never two writers on one', () => {
    for (const report of site.testimony()) {
      expect(report.overlaps).toEqual([]);
      expect(report.unreadable).toEqual([]);
    }
  });
});
