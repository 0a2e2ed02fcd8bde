import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';

const names = ['disk-1', 'disk-2', 'disk-3'];

describe.skipIf(noLab.skip)(`agents of a real cluster${noLab.why}`, () => {
  let site: WatchedCluster;

  beforeAll(async () => {
    // Three agents that start at once on a busy machine may need longer than a quicker profile waits.
    site = await WatchedCluster.up({ vms: names.length, profile: 'conservative' });
  });
  afterAll(async () => site.down());

  test('N9 N13: a killed agent comes back as a new incarnation that takes its VMs over untouched', async () => {
    const { machine, vms } = await site.busiest();
    const [boots, permits, mark] = [site.bootsOf(names), await site.permits(), await site.now()];
    const commands = site.powerCommands(machine);
    const before = await site.node(machine.name);
    expect(machine.signalService('agent', 'SIGKILL')).toBe(true);
    const view = await site.until('its VMs have permits of a new incarnation', (seen) =>
      seen.vms
        .filter((vm) => vms.includes(vm.name))
        .every((vm) => vm.permit?.token === (permits.get(vm.name)?.token ?? 0) + 1),
    );
    for (const vm of view.vms.filter((one) => vms.includes(one.name))) {
      expect(vm.permit?.node).toBe(machine.name);
      expect(vm.permit?.incarnation).not.toBe(before.incarnation);
    }
    const after = await site.node(machine.name);
    expect(after.bootId).toBe(before.bootId);
    await site.healthy();
    await site.beating(names);
    expect(site.bootsOf(names)).toEqual(boots);
    expect(await site.codesAfter(mark)).toEqual(['AGENT_RESTARTED']);
    expect(site.powerCommands(machine)).toEqual(commands);
  });

  test('U2: when all agents are killed at once no guest notices and nobody is fenced', async () => {
    const [boots, permits, mark] = [site.bootsOf(names), await site.permits(), await site.now()];
    const commands = site.lab.nodes().map((machine) => site.powerCommands(machine));
    for (const machine of site.lab.nodes()) {
      expect(machine.signalService('agent', 'SIGKILL')).toBe(true);
    }
    await site.until('all agents are back', ({ vms }) =>
      vms.every((vm) => (vm.permit?.token ?? 0) > (permits.get(vm.name)?.token ?? 0)),
    );
    await site.healthy();
    await site.beating(names);
    expect(site.bootsOf(names)).toEqual(boots);
    const after = await site.permits();
    for (const name of names) expect(after.get(name)?.node).toBe(permits.get(name)?.node);
    expect(new Set(await site.codesAfter(mark))).toEqual(new Set(['AGENT_RESTARTED']));
    expect(site.lab.nodes().map((machine) => site.powerCommands(machine))).toEqual(commands);
  });
});
