import { Command, InvalidArgumentError, Option } from 'commander';
import { profiles, type DetectionProfile } from '../../src/core/model/settings.ts';
import { KennelCluster } from './cluster/kennel-cluster.ts';
import { labStores, storeOf, type LabStore } from './cluster/lab-store.ts';
import type { Lab } from './lab.ts';
import { LabError } from './lab-error.ts';
import { kennelDirectory, labLayout } from './layout.ts';
import type { UpReport } from './lab-up.ts';
import { withLab } from './with-lab.ts';

interface UpFlags {
  readonly nodes?: number;
  readonly managers?: number;
  readonly disks?: number;
  readonly vms?: number;
  readonly bare?: boolean;
  readonly pdus?: boolean;
  readonly smallDisks?: boolean;
  readonly store?: LabStore;
  readonly profile: DetectionProfile;
}

/** Size of a disk that is there to be filled. */
const smallDiskMiB = 64;
/** VMs of a new lab, unless another number is asked for. */
const usualVms = 3;

function count(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('a number, for example 3');
  return Number(text);
}

/** Aborts at the first SIGINT, SIGTERM or SIGHUP; further ones do not interrupt the cleaning up. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const interrupt = (name: NodeJS.Signals): void => {
    interrupted.abort(
      new LabError('LAB_INTERRUPTED', 'kennel lab up', name, 'run it again when you like'),
    );
  };
  for (const name of signals) process.on(name, interrupt);
  try {
    await work(interrupted.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/**
 * Makes the lab and, unless it is to be bare, Kennel with tiny VMs on it; or mends what is missing.
 * A VM that was deleted is not missing: later calls make VMs only when told how many.
 */
async function bringUp(lab: Lab, flags: UpFlags, signal: AbortSignal): Promise<void> {
  const say = (line: string): void => {
    console.log(`  ${line}`);
  };
  const { nodes, managers, disks, pdus, store } = flags;
  if (flags.bare !== true) {
    const present = lab.isUp() ? lab.managerCount : 1;
    await storeOf(kennelDirectory(lab.layout), {
      asked: store,
      managers: Math.max(present, managers ?? 1),
    });
  }
  const diskMiB = flags.smallDisks === true ? smallDiskMiB : undefined;
  const report = await lab.up({ nodes, managers, disks, diskMiB, pdus, signal, say });
  if (flags.bare === true) {
    console.log(verdict(lab, report.kind));
    return;
  }
  const cluster = new KennelCluster(lab, signal);
  try {
    const isNew = !cluster.isMade();
    const { profile } = flags;
    const done = [...(await cluster.start({ profile, settleMs: 2000, store, say, signal }))];
    const vms = flags.vms ?? (isNew ? usualVms : 0);
    done.push(...(await ensureVms(lab, cluster, vms, say)));
    const mended = report.kind === 'alreadyUp' && done.length > 0 ? 'repaired' : report.kind;
    console.log(`${verdict(lab, mended)}\n\n${howToUse(cluster)}`);
  } catch (error) {
    if (report.kind === 'made') await lab.down();
    throw error;
  } finally {
    await cluster.close();
  }
}

function verdict(lab: Lab, kind: UpReport['kind']): string {
  const word = { made: 'up', repaired: 'mended', alreadyUp: 'already up' }[kind];
  return `lab ${lab.layout.id} is ${word}, in ${lab.layout.directory}`;
}

function howToUse({ lab, configFile }: KennelCluster): string {
  const { directory } = lab.layout;
  const here = directory === labLayout({}).directory ? 'lab' : `lab --dir ${directory}`;
  return [
    'to use it:',
    `  export KENNEL_CONFIG=${configFile}`,
    '  kennel status',
    `  kennel ${here} power-loss node-1     # and watch: kennel status --watch`,
    '  kennel failover ls',
    `  kennel ${here} down`,
  ].join('\n');
}

/** Creates vm-1 to vm-n as far as they are missing, with the heartbeat guest, and waits for them. */
async function ensureVms(
  lab: Lab,
  cluster: KennelCluster,
  vms: number,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const { vms: present } = await cluster.status();
  const known = new Set(present.map((vm) => vm.name));
  const names = Array.from({ length: vms }, (_, index) => `vm-${index + 1}`);
  const missing = names.filter((name) => !known.has(name));
  if (missing.length === 0) return [];
  await cluster.createVms(await lab.addDisks(missing));
  await cluster.until(`${missing.join(', ')} run`, (view) =>
    view.vms.every((vm) => !missing.includes(vm.name) || vm.state === 'running'),
  );
  const line = `VMs that write a heartbeat to their disks run: ${missing.join(', ')}`;
  say(line);
  return [line];
}

export function upCommand(): Command {
  return new Command('up')
    .description('make nodes, BMCs, a manager, agents and a few VMs, or mend what is missing')
    .option('--nodes <n>', 'libvirt nodes (default: 3)', count)
    .option('--vms <n>', `tiny VMs, vm-1 to vm-n (default: ${usualVms} on a new lab)`, count)
    .addOption(
      new Option('--profile <profile>', 'how soon a silent node counts as lost, on a new lab')
        .choices(Object.keys(profiles))
        .default('default'),
    )
    .option('--bare', 'without Kennel: nodes, BMCs and disks only')
    .option('--pdus', 'two switchable supplies for every node, behind its BMC as a second level')
    .option('--disks <n>', 'shared disks without a VM, disk-1 to disk-n', count)
    .option('--small-disks', 'new agents and managers keep their state on disks that can be filled')
    .option('--managers <n>', 'managers (default: 1)', count)
    .addOption(
      new Option(
        '--store <store>',
        'of a new lab: on the disk of the only manager, of the managers themselves (default for several), or an etcd with a member beside each',
      ).choices(labStores),
    )
    .action((flags: UpFlags, command: Command) =>
      withLab(command, (lab) => untilInterrupted((signal) => bringUp(lab, flags, signal))),
    );
}
