import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KennelCluster, valueOf } from '../cluster/kennel-cluster.ts';
import { openLab } from '../lab.ts';
import { waitUntil } from '../wait-until.ts';
import { startWitness, type Witness } from '../witness.ts';
import type { DemoSite } from './site.ts';

export interface RealSiteOptions {
  readonly vms: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The story on real parts: libvirtd and QEMU per node, a BMC per node, namespaces as machines. */
export async function openRealSite(options: RealSiteOptions): Promise<DemoSite> {
  const { vms, signal, say } = options;
  const directory = mkdtempSync(join(tmpdir(), 'kd-'));
  const lab = openLab({ directory, prefix: 'kd', subnet: '10.97.0' });
  const cluster = new KennelCluster(lab, signal);
  let witness: Witness | null = null;
  const close = async (): Promise<void> => {
    await witness?.stop();
    await cluster.close();
    await lab.down();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await lab.up({ nodes: 3, managers: 1, disks: vms, signal, say });
    await cluster.start({ profile: 'default', settleMs: 2000, say, signal });
    await cluster.createVms(lab.disks());
    await cluster.until('every VM runs', (view) => view.vms.every((vm) => vm.state === 'running'));
    witness = await startWitness({ disks: lab.disks() });
  } catch (error) {
    await close();
    throw error;
  }
  return siteOf(cluster, witness, close);
}

function siteOf(cluster: KennelCluster, witness: Witness, close: () => Promise<void>): DemoSite {
  const { client, lab } = cluster;
  const machine = (node: string) => lab.node(Number(node.slice('node-'.length)));
  return {
    simulated: false,
    description:
      'Three nodes, each with its own libvirtd, QEMU and IPMI BMC; one manager, three agents.',
    now: () => new Date().toISOString(),
    status: () => cluster.status(),
    until: (what, holds) => cluster.until(what, holds, 120_000),
    failovers: async () => valueOf(await client.failovers()),
    eventsAfter: async (sequence) => valueOf(await client.events(sequence, 1000)),
    powerLoss: (node) => machine(node).powerLoss(),
    freeze: (node) => machine(node).freeze(),
    thaw: (node) => machine(node).thaw(),
    powerOn: async (node) => void valueOf(await client.powerOn(node, { timeoutMs: 60_000 })),
    witness: async () => {
      const idle = await idleDisks(witness);
      const { disks, overlaps } = witness.report();
      return { disks, overlaps: overlaps.length, idle };
    },
    close,
  };
}

/** Disks whose newest writer does not go on writing within a few beats. */
async function idleDisks(witness: Witness): Promise<readonly string[]> {
  const beats = (): ReadonlyMap<string, number> =>
    new Map(
      witness.report().writers.map(({ disk, writers }) => [disk, writers.at(-1)?.lastBeat ?? 0]),
    );
  const before = beats();
  let idle: readonly string[] = [...before.keys()];
  try {
    await waitUntil(
      'every disk is written to',
      () => {
        const now = beats();
        idle = [...before].filter(([disk, beat]) => now.get(disk) === beat).map(([disk]) => disk);
        return idle.length === 0;
      },
      { timeoutMs: 10_000, everyMs: 100 },
    );
  } catch {
    return idle;
  }
  return [];
}
