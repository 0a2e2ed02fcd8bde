import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { tinyVmSpec } from '../../deploy/lab/cluster/kennel-cluster.ts';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import { loadScenario } from '../scenarios/load.ts';
import { runCampaign } from './campaign.ts';
import { strike } from './faults.ts';
import { drawPlan } from './plan.ts';
import { verdictOnLab } from './scenario-replay.ts';
import { Watch } from './watch.ts';

const signal = new AbortController().signal;

describe.skipIf(noLab.skip)(`real chaos on one lab${noLab.why}`, () => {
  let site: WatchedCluster;
  let watch: Watch;

  beforeAll(async () => {
    site = await WatchedCluster.up({ vms: 3, bare: true, diskMiB: 40 });
    watch = await Watch.begin(site);
  });
  afterAll(async () => {
    await watch.end();
    await site.down();
  });

  async function deleteVms(): Promise<void> {
    for (const { id } of (await site.status()).vms) {
      await watch.client.call('delete', id, (client, options) => client.deleteVm(id, options));
    }
    await site.until('no VM is left', ({ vms }) => vms.length === 0);
  }

  async function createVm(name: string): Promise<void> {
    const [id, disk] = [randomUUID(), site.lab.disks()[0]];
    if (disk === undefined) throw new Error('the lab has no disk');
    const vm = { id, desired: 'running', node: null, spec: { ...tinyVmSpec(disk), name } } as const;
    const { result } = await watch.client.call('create', id, (client, options) =>
      client.createVm(vm, options),
    );
    expect(result).toBe('ok');
  }

  // A share of `kennel chaos real --all`: the same files that the simulator replays.
  test.each(['power-loss', 'short-freeze', 'qemu-killed', 'manager-dies-acting'])(
    'scenario %s comes out on real parts as its file says',
    async (name) => {
      const file = join(import.meta.dirname, '..', 'scenarios', 'kennel', `${name}.json`);
      const loaded = loadScenario(readFileSync(file, 'utf8'));
      if (loaded.kind === 'invalid') throw new Error(loaded.problems.join());
      const { verdict, reasons } = await verdictOnLab(watch, loaded.scenario, signal);
      expect({ verdict, reasons }).toEqual({ verdict: 'pass', reasons: [] });
    },
  );

  test('S2 S3: while no disk answers nobody is fenced, and every VM goes on afterwards', async () => {
    const disks = site.lab.disks().map((disk) => disk.name);
    const [boots, mark] = [site.bootsOf(disks), await site.now()];
    const storage = site.lab.process('storage');
    await storage.freeze();
    const sinceMs = performance.now();
    await waitUntil('longer than it takes to fence', () => performance.now() - sinceMs > 8000, {
      timeoutMs: 20_000,
      everyMs: 100,
    });
    await storage.thaw();
    await site.beating(disks);
    await site.healthy();
    expect(await site.codesAfter(mark)).not.toContain('FENCE_INTENT');
    expect(site.bootsOf(disks)).toEqual(boots);
  });

  test('W10: a path that swallows large packets fences nobody while small ones pass', async () => {
    const [machine, mark] = [site.lab.node(2), await site.now()];
    const { address: from } = machine;
    await site.lab.setLinkFault({ name: 'hole', from, to: null, loss: 1, longerThan: 1000 });
    const sinceMs = performance.now();
    await waitUntil('longer than it takes to fence', () => performance.now() - sinceMs > 8000, {
      timeoutMs: 20_000,
      everyMs: 100,
    });
    await site.lab.clearLinkFault('hole');
    await site.healthy();
    expect(await site.codesAfter(mark)).not.toContain('FENCE_INTENT');
  });

  test('drawn faults and calls break no rule', async () => {
    const lines: string[] = [];
    await site.restore();
    await deleteVms();
    const plan = drawPlan(Math.floor(Math.random() * 1_000_000), 0.75, { nodes: 3, vms: 3 });
    const report = await runCampaign(watch, { plan, say: (line) => lines.push(line), signal });
    expect(report.violations, `seed ${plan.seed}\n${lines.join('\n')}`).toEqual([]);
    expect(report.faults.length).toBeGreaterThan(0);
    expect(report.checks).toMatchObject({ healedMs: expect.any(Number) });
    expect(report.checks.commits).toBeGreaterThan(20);
    expect(report.checks.writers).toBeGreaterThanOrEqual(3);
  });

  // Positive control, and last, because from here on a rule is broken.
  test('a VM that a hand boots a second time is seen in its disk and in the process tables', async () => {
    const before = watch.violations().length;
    expect(before).toBe(0);
    // The campaign may have ended with every VM stopped or deleted.
    await deleteVms();
    await createVm('control');
    const status = await site.until('a VM runs', ({ vms }) =>
      vms.some((vm) => vm.state === 'running'),
    );
    const owner = status.vms.find((vm) => vm.state === 'running')?.node;
    const target = status.nodes.find((node) => node.name !== owner)?.name ?? '';
    const heal = await strike(site, { atMs: 0, fault: 'secondWriter', target, durationMs: 0 });
    onTestFinished(heal);
    await waitUntil(
      'two writers are reported',
      () => new Set(watch.violations().map((one) => one.checker)).has('singleWriter'),
      { timeoutMs: 30_000, everyMs: 200 },
    );
    expect(new Set(watch.violations().map((one) => one.checker))).toEqual(
      new Set(['singleWriter', 'singleProcess']),
    );
  });
});
