import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bmcDevice, valueOf } from '../../deploy/lab/cluster/kennel-cluster.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import { SecretWatch } from '../../fencing/testing/secret-watch.ts';
import type { LabNode } from '../../deploy/lab/node-machine.ts';
import type { StatusView } from '../../src/api/schema/views.ts';
import { noLab, refusal, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';

describe.skipIf(noLab.skip)(`fencing that meets difficulties${noLab.why}`, () => {
  let site: WatchedCluster;
  let secrets: SecretWatch;
  const pair = ['disk-1', 'disk-2'];
  /** Stays on node-3, whatever happens. */
  const bound = 'bound';
  const reason = 'seen with own eyes';

  beforeAll(async () => {
    secrets = new SecretWatch();
    site = await WatchedCluster.up({ vms: 0 });
    secrets.add(readFileSync(site.lab.bmcOf(1).passwordFile, 'utf8').trim());
    const disks = await site.lab.addDisks([...pair, bound]);
    await site.watch(disks);
    await site.cluster.createVms(disks.slice(0, 2), ['node-1', 'node-2']);
    await site.cluster.createVms(disks.slice(2), ['node-3']);
    await site.healthy();
  });
  afterEach(async () => site.restore());
  afterAll(async () => {
    secrets.stop();
    await site.down();
  });

  /** A node that holds VMs of the pair, and these. */
  async function victim(): Promise<{ machine: LabNode; vms: readonly string[] }> {
    const { vms } = await site.status();
    const first = vms.find((vm) => pair.includes(vm.name));
    const held = vms.filter((vm) => vm.node === first?.node).map((vm) => vm.name);
    return { machine: site.machine(first?.node ?? ''), vms: held };
  }

  function untilPhase(machine: LabNode, phase: string): Promise<StatusView> {
    return site.until(`the fence operation of ${machine.name} is ${phase}`, ({ nodes }) =>
      nodes.some((node) => node.name === machine.name && node.fence?.phase === phase),
    );
  }

  async function waiting(vms: readonly string[]): Promise<void> {
    await site.until(`${vms.join(', ')} wait for a proof`, (view) =>
      view.vms.filter((vm) => vms.includes(vm.name)).every((vm) => vm.state === 'waitingProof'),
    );
  }

  async function lastReading(machine: LabNode): Promise<string | undefined> {
    const { fence } = await site.node(machine.name);
    return fence?.lastReadings[0]?.power;
  }

  async function enrolAnew(machine: LabNode, settleMs: number): Promise<void> {
    const device = { ...bmcDevice(site.lab, machine.number), settleMs };
    valueOf(await site.client.addFenceDevice(machine.name, device));
  }

  async function confirmOff(machine: LabNode) {
    return site.client.confirmOff(machine.name, { fence: null, reason });
  }

  test('O7: the BMC of another node is refused when it is given to a node', async () => {
    const device = { ...bmcDevice(site.lab, 2), id: 'second' };
    const answer = refusal(await site.client.addFenceDevice('node-1', device));
    expect(answer).toMatchObject({ code: 'E_FENCE_IDENTITY' });
    expect(answer.because).toContain('node-2/bmc of node-2');
    expect((await site.node('node-1')).fenceDevices.map((one) => one.id)).toEqual(['node-1/bmc']);
  });

  test('B2 X4: a wrong BMC password is found when the device is added, and shows nowhere', async () => {
    const password = randomBytes(6).toString('hex');
    secrets.add(password);
    const device = { ...bmcDevice(site.lab, 1), secrets: { password } };
    const answer = refusal(await site.client.addFenceDevice('node-1', device));
    expect(answer.code).toBe('E_FENCE_DEVICE');
    expect(answer.because).toMatch(/^AUTH_PASSWORD: /);
    expect(JSON.stringify(answer)).not.toContain(password);
  });

  test('N2: VMs of a node that died with its BMC wait, say what for, and a person ends it', async () => {
    const { machine, vms } = await victim();
    expect(refusal(await confirmOff(machine))).toMatchObject({ code: 'E_ATTEST_REFUSED' });
    const boots = site.bootsOf(vms);
    await site.lab.setBmcFault(machine.number, 'unreachable');
    await machine.powerLoss();
    await waiting(vms);
    await waitUntil(
      'the BMC is reported as unreachable',
      async () => {
        const { facts } = valueOf(await site.client.explain(vms[0] ?? ''));
        return facts.some((fact) => fact.includes('UNREACHABLE'));
      },
      { timeoutMs: 30_000, everyMs: 200 },
    );
    const explanation = valueOf(await site.client.explain(vms[0] ?? ''));
    expect(explanation.facts).toContain(
      `it is not started elsewhere before ${machine.name} is proven dead`,
    );
    expect(explanation.awaiting.map((line) => line.split(':')[0])).toEqual([
      'powerOff',
      'newBoot',
      'attested',
    ]);
    expect(explanation.try).toContain(`kennel node confirm-off ${machine.name} --reason "..."`);
    expect(site.bootsOf(vms)).toEqual(boots);

    const fence = valueOf(await confirmOff(machine));
    expect(fence.proof).toMatchObject({ kind: 'attested', actor: 'admin', reason });
    await site.recovered(vms, machine.name);
    await site.beating(vms);
    await site.bootedOnce(boots);
  });

  test('N2: when the BMC of a dead node answers again, that is the proof', async () => {
    const { machine, vms } = await victim();
    await site.lab.setBmcFault(machine.number, 'unreachable');
    await machine.powerLoss();
    await waiting(vms);
    await site.lab.setBmcFault(machine.number, 'ok');
    await site.recovered(vms, machine.name);
    const failover = (await site.failovers()).at(-1);
    expect(failover).toMatchObject({ node: machine.name, proof: { kind: 'powerOff' } });
  });

  test('W1 B4 O5: a BMC that accepts off without effect proves nothing; its VMs stay where they write', async () => {
    const { machine, vms } = await victim();
    const [boots, permits] = [site.bootsOf(vms), await site.permits()];
    const commands = site.powerCommands(machine).length;
    await site.lab.setBmcFault(machine.number, 'stuck');
    await site.lab.partition(machine.number);
    await untilPhase(machine, 'acting');
    await waitUntil('off was sent', () => site.powerCommands(machine).length > commands, {
      timeoutMs: 20_000,
    });
    await waitUntil('it reads On after that', async () => (await lastReading(machine)) === 'on', {
      timeoutMs: 20_000,
    });
    await site.beating(vms);
    const saysOn = refusal(await confirmOff(machine));
    expect(saysOn).toMatchObject({ code: 'E_ATTEST_REFUSED' });
    expect(saysOn.because).toBe(`${machine.name}/bmc reads On`);
    const { findings, health } = await site.status();
    expect(health).toBe('degraded');
    expect(findings).toMatchObject([{ code: 'FENCE_PENDING', subject: machine.name }]);

    await site.lab.heal(machine.number);
    await site.until('it is heard again', ({ nodes }) =>
      nodes.some((node) => node.name === machine.name && (node.lastSeenMs ?? 9999) < 1000),
    );
    expect(refusal(await confirmOff(machine)).because).toBe('its agent is heard');
    expect((await site.node(machine.name)).fence?.phase).toBe('acting');
    expect(await site.permits()).toEqual(permits);
    expect(site.bootsOf(vms)).toEqual(boots);
    await site.beating(vms);

    await site.lab.setBmcFault(machine.number, 'ok');
    await machine.powerLoss();
    await site.recovered(vms, machine.name);
    await site.bootedOnce(boots);
  });

  test('B4: a BMC that is mended after it took off in vain is told again, on record, and proves it', async () => {
    const { machine, vms } = await victim();
    const boots = site.bootsOf(vms);
    const commands = site.powerCommands(machine).length;
    await site.lab.setBmcFault(machine.number, 'stuck');
    await site.lab.partition(machine.number);
    await waitUntil('off was sent', () => site.powerCommands(machine).length > commands, {
      timeoutMs: 20_000,
    });
    await waitUntil('it reads On after that', async () => (await lastReading(machine)) === 'on', {
      timeoutMs: 20_000,
    });
    await site.lab.setBmcFault(machine.number, 'ok');
    await site.until(
      'its VMs run elsewhere',
      (view) =>
        view.vms
          .filter((vm) => vms.includes(vm.name))
          .every((vm) => vm.state === 'running' && vm.node !== machine.name),
      120_000,
    );
    expect(machine.power()).toBe('off');
    const attempts = (await site.node(machine.name)).fence?.attempts ?? [];
    expect(JSON.stringify(attempts)).toContain('sent again');
    await site.bootedOnce(boots);
  });

  test('B7: a node that is to be fenced on request and is heard is not proven dead by a BMC that lies', async () => {
    const { machine, vms } = await victim();
    const boots = site.bootsOf(vms);
    await site.lab.setBmcFault(machine.number, 'lieOff');
    valueOf(await site.client.fenceNode(machine.name, { reason, override: false }));
    let readings = 0;
    await waitUntil(
      'Off was read long enough for a proof',
      async () => {
        if ((await lastReading(machine)) === 'off') readings += 1;
        return readings >= 8;
      },
      { timeoutMs: 30_000, everyMs: 500 },
    );
    const node = await site.node(machine.name);
    expect(node.fence).toMatchObject({ phase: 'intent', proof: null });
    expect(node.fence?.awaiting[0]).toMatch(/has (?:not read Off since|read Off 1 times)/);
    expect((await site.vm(vms[0] ?? '')).state).toBe('waitingProof');
    await site.beating(vms);
    expect(site.bootsOf(vms)).toEqual(boots);

    await site.lab.setBmcFault(machine.number, 'ok');
    await site.recovered(vms, machine.name);
    expect(machine.power()).toBe('off');
    await site.bootedOnce(boots);
  });

  test('B7: Off readings count for nothing once the node is heard again', async () => {
    const { machine, vms } = await victim();
    const [permits, mark] = [await site.permits(), await site.now()];
    await enrolAnew(machine, 10_000);
    await site.lab.setBmcFault(machine.number, 'lieOff');
    await site.lab.partition(machine.number);
    await waitUntil('it reads Off', async () => (await lastReading(machine)) === 'off', {
      timeoutMs: 20_000,
    });
    await site.lab.heal(machine.number);
    await site.healthy();
    expect(await site.codesAfter(mark)).toEqual([
      'FENCE_DEVICE_ADDED',
      'FENCE_INTENT',
      'FENCE_CANCELLED',
    ]);
    expect(await site.permits()).toEqual(permits);
    await site.beating(vms);
    await site.lab.setBmcFault(machine.number, 'ok');
    await enrolAnew(machine, 1000);
  });

  test('B7: a sign of life after the proof revokes it, BMC_LIED, and the VM stays with its writer', async () => {
    const machine = site.lab.node(3);
    const [boots, mark, before] = [site.boots(bound), await site.now(), await site.vm(bound)];
    await site.lab.setBmcFault(3, 'lieOff');
    await site.lab.partition(3);
    await untilPhase(machine, 'proven');
    expect((await site.vm(bound)).state).toBe('recovering');
    await site.lab.heal(3);
    await site.healthy();
    const codes = await site.codesAfter(mark);
    expect(codes.filter((code) => /^(?:NODE|BMC|VM)/.test(code))).toEqual([
      'NODE_FENCED',
      'BMC_LIED',
    ]);
    expect((await site.failovers()).at(-1)).toMatchObject({ outcome: 'cancelled', proof: null });
    expect((await site.vm(bound)).permit).toEqual(before.permit);
    await site.beating([bound]);
    expect(site.boots(bound)).toBe(boots);

    await site.lab.setBmcFault(3, 'ok');
    expect((await site.status()).findings).toMatchObject([
      { code: 'BMC_LIED', subject: 'node-3', severity: 'critical' },
      // Nothing that is believed could prove it dead now, and its VM is told to be unprotected.
      {
        code: 'NODE_UNFENCEABLE',
        subject: 'node-3',
        severity: 'critical',
        text: expect.stringContaining(`unprotected: ${bound}`),
      },
    ]);
    await enrolAnew(machine, 1000);
    expect((await site.status()).findings).toEqual([]);
  });

  test('B8: with swapped BMC cables nobody is powered off, until they are put right; the other node runs on', async () => {
    const { machine, vms } = await victim();
    const other = site.lab.node(machine.number === 1 ? 2 : 1);
    const commands = [site.powerCommands(machine), site.powerCommands(other)];
    await site.lab.wireBmc(machine.number, other.number);
    await machine.freeze();
    await waiting(vms);
    await waitUntil(
      'the identity is reported as wrong',
      async () => {
        const { facts } = valueOf(await site.client.explain(machine.name));
        return facts.some((fact) => fact.includes('IDENTITY'));
      },
      { timeoutMs: 30_000, everyMs: 200 },
    );
    expect((await site.node(machine.name)).fence).toMatchObject({ phase: 'intent', attempts: [] });
    expect([site.powerCommands(machine), site.powerCommands(other)]).toEqual(commands);
    expect(other.power()).toBe('on');
    expect((await site.node(other.name)).state).toBe('online');

    // Put right within the operation: the next look, 10 s later at most, finds the right machine.
    const boots = site.bootsOf(vms);
    await site.lab.wireBmc(machine.number, machine.number);
    await site.recovered(vms, machine.name);
    expect(site.powerCommands(other)).toEqual(commands[1]);
    expect(machine.power()).toBe('off');
    await site.bootedOnce(boots);
  });

  test('X4: no BMC password was ever seen in arguments, environments, logs, events or records', async () => {
    expect(secrets.programs).toContain('ipmitool');
    expect(secrets.leaks).toEqual([]);
    const password = readFileSync(site.lab.bmcOf(1).passwordFile, 'utf8').trim();
    const { directory } = site.lab.layout;
    const logs = [
      join(directory, 'log'),
      ...site.lab.nodes().map((node) => join(node.directory, 'log')),
    ].flatMap((place) =>
      readdirSync(place, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    expect(logs.length).toBeGreaterThan(6);
    for (const log of logs)
      expect([log, readFileSync(log, 'utf8').includes(password)]).toEqual([log, false]);
    const answers = [
      await site.status(),
      await site.events(),
      await site.failovers(),
      valueOf(await site.client.nodes()),
      valueOf(await site.client.metrics()),
      valueOf(await site.client.explain('node-1')),
    ];
    expect(JSON.stringify(answers)).not.toContain(password);
  });

  test('I1: the witness saw every disk all the time, and never two writers on one', () => {
    for (const report of site.testimony()) {
      expect(report.overlaps).toEqual([]);
      expect(report.unreadable).toEqual([]);
    }
  });
});
