import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KennelCluster, valueOf } from './kennel-cluster.ts';
import type { LabStore } from './lab-store.ts';
import { newestHeartbeat } from '../heartbeat-vm.ts';
import { LabError } from '../lab-error.ts';
import { openLab, type Lab } from '../lab.ts';
import type { LabNode } from '../node-machine.ts';
import { machineView, preflight } from '../preflight.ts';
import type { LabDisk } from '../storage.ts';
import { virsh } from '../virsh.ts';
import { waitUntil } from '../wait-until.ts';
import { startWitness, type Witness, type WitnessReport } from '../witness.ts';
import type {
  EventView,
  FailoverView,
  NodeView,
  StatusView,
  VmView,
} from '../../../src/api/schema/views.ts';
import type { Client } from '../../../src/client/client.ts';
import type { DetectionProfile } from '../../../src/core/model/settings.ts';
import type { Outcome, Problem } from '../../../src/core/problem.ts';

const missing = preflight(machineView()).map((piece) => piece.what);

/** Whether this machine can carry a lab, and if not, why; for `describe.skipIf`. */
export const noLab: { readonly skip: boolean; readonly why: string } = {
  skip: missing.length > 0,
  why: missing.length === 0 ? '' : ` (skipped: this machine lacks ${missing.join(', ')})`,
};

/** Within this time a failure has to be dealt with, ms. Generous: the machine may be busy. */
const patienceMs = 60_000;

export interface RestoreOptions {
  /** How long a node may take to be online again by itself once nothing hinders it. */
  readonly returnPatienceMs?: number;
  /** How long all of it may take. */
  readonly patienceMs?: number;
  /** Told when a node has to be power-cycled by hand. */
  readonly onHelp?: (node: string) => void;
}

/** Events asked for in one call; the API gives no more. */
const pageSize = 1000;

/** What the API refused a request with; throws when it did not refuse. */
export function refusal<T>(outcome: Outcome<T>): Problem {
  if (outcome.kind === 'ok') throw new Error(`accepted: ${JSON.stringify(outcome.value)}`);
  return outcome.problem;
}

export interface WatchedOptions {
  readonly vms: number;
  /** See `UpRequest.diskMiB`. */
  readonly diskMiB?: number;
  /** Two switchable supplies for every node, as a second level behind its BMC. */
  readonly pdus?: boolean;
  /** Default: `default`. */
  readonly profile?: DetectionProfile;
  /** Default: 1. */
  readonly managers?: number;
  readonly store?: LabStore;
  /** Default: a new one below the machine's directory for such things. */
  readonly directory?: string;
  /** Told what is made before the first VM starts. */
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** True: the disks are made and watched, and whoever asked makes the VMs. */
  readonly bare?: boolean;
  /** VMs that cannot run; waiting for health leaves them out. */
  readonly hopeless?: readonly string[];
}

/**
 * Three nodes, managers, agents, BMCs and VMs, with a witness over every disk from before the
 * first VM starts. Scenarios run on it one after the other; `restore` mends it in between.
 */
export class WatchedCluster {
  readonly lab: Lab;
  readonly cluster: KennelCluster;
  readonly #witnesses: Witness[] = [];

  readonly #hopeless: readonly string[];

  private constructor(lab: Lab, hopeless: readonly string[], signal?: AbortSignal) {
    this.#hopeless = hopeless;
    this.lab = lab;
    this.cluster = new KennelCluster(lab, signal);
  }

  static async up(options: WatchedOptions): Promise<WatchedCluster> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'kt-'));
    const lab = openLab({ directory, prefix: 'kt' });
    const { diskMiB, managers = 1, pdus, profile = 'default', store, say, signal } = options;
    const site = new WatchedCluster(lab, options.hopeless ?? [], signal);
    try {
      await lab.up({ nodes: 3, managers, disks: options.vms, diskMiB, pdus, say, signal });
      const told = say === undefined ? {} : { say };
      await site.cluster.start({ profile, settleMs: 1000, store, ...told });
      // Its nodes are broken again and again; quarantine would keep them out for half an hour.
      const settings = { 'quarantine.losses': 1000 };
      valueOf(await site.client.changeSettings({ settings }));
      await site.watch(lab.disks());
      if (options.bare !== true) await site.cluster.createVms(lab.disks());
      await site.healthy();
    } catch (error) {
      await site.down();
      throw error;
    }
    return site;
  }

  async down(): Promise<void> {
    await Promise.all(this.#witnesses.map((witness) => witness.stop()));
    await this.cluster.close();
    await this.lab.down();
    const { directory } = this.lab.layout;
    const left = existsSync(directory) ? readdirSync(directory) : [];
    rmSync(directory, { recursive: true, force: true });
    if (left.length === 0) return;
    throw new LabError('LAB_LEFTOVERS', directory, `a lab left ${left.join(', ')}`, 'report this');
  }

  get client(): Client {
    return this.cluster.client;
  }

  async watch(disks: readonly LabDisk[]): Promise<void> {
    this.#witnesses.push(await startWitness({ disks }));
  }

  /** What all witnesses saw so far. */
  testimony(): readonly WitnessReport[] {
    return this.#witnesses.map((witness) => witness.report());
  }

  status(): Promise<StatusView> {
    return this.cluster.status();
  }

  async vm(name: string): Promise<VmView> {
    return valueOf(await this.client.vm(name));
  }

  async node(name: string): Promise<NodeView> {
    return valueOf(await this.client.node(name));
  }

  machine(name: string): LabNode {
    return this.lab.node(Number(name.slice('node-'.length)));
  }

  /** The node that holds most VMs, with its machine and their names. */
  async busiest(): Promise<{ readonly machine: LabNode; readonly vms: readonly string[] }> {
    const { nodes, vms } = await this.status();
    const [node] = nodes.toSorted((a, b) => b.vms - a.vms);
    if (node === undefined || node.vms === 0) throw new Error('no node holds a VM');
    const held = vms.filter((vm) => vm.node === node.name).map((vm) => vm.name);
    return { machine: this.machine(node.name), vms: held };
  }

  until(
    what: string,
    holds: (view: StatusView) => boolean | Promise<boolean>,
    timeoutMs = patienceMs,
  ): Promise<StatusView> {
    return this.cluster.until(what, holds, timeoutMs);
  }

  /**
   * Waits until every node is online, every VM that should run runs, and the domain of each
   * carries the permit on record. No command is under way then.
   */
  healthy(timeoutMs = patienceMs): Promise<StatusView> {
    return this.until(
      'the cluster is healthy',
      async (view) => isWell(view, this.#hopeless) && (await this.#permitsAreWritten(view)),
      timeoutMs,
    );
  }

  async #permitsAreWritten(view: StatusView): Promise<boolean> {
    for (const { name, state, permit } of view.vms) {
      if (state !== 'running' || permit === null) continue;
      const metadata = ['metadata', name, '--uri', 'urn:kennel:permit:1'];
      const { stdout } = await virsh(this.machine(permit.node).libvirtSocket, metadata);
      if (!stdout.includes(`token="${permit.token}"`)) return false;
    }
    return true;
  }

  /** Waits until these VMs run, none of them on that node. */
  recovered(vms: readonly string[], from: string): Promise<StatusView> {
    return this.until(`${vms.join(', ')} run elsewhere than on ${from}`, (view) =>
      view.vms
        .filter((vm) => vms.includes(vm.name))
        .every((vm) => vm.state === 'running' && vm.node !== from),
    );
  }

  async events(after = 0): Promise<readonly EventView[]> {
    const events: EventView[] = [];
    for (let from = after; ; from = events.at(-1)?.sequence ?? from) {
      const page = valueOf(await this.client.events(from, pageSize));
      events.push(...page);
      if (page.length < pageSize) return events;
    }
  }

  /** Position in the history, to ask for what follows. */
  async now(): Promise<number> {
    return (await this.events()).at(-1)?.sequence ?? 0;
  }

  async codesAfter(mark: number): Promise<readonly string[]> {
    return (await this.events(mark)).map((event) => event.code);
  }

  /** Oldest first. */
  async failovers(): Promise<readonly FailoverView[]> {
    const numberOf = ({ id }: FailoverView): number => Number(id.slice('FO-'.length));
    return valueOf(await this.client.failovers()).toSorted((a, b) => numberOf(a) - numberOf(b));
  }

  /** How often the guest on a disk has booted, ever. */
  boots(disk: string): number {
    return this.#beat(disk).boots;
  }

  bootsOf(disks: readonly string[]): Readonly<Record<string, number>> {
    return Object.fromEntries(disks.map((disk) => [disk, this.boots(disk)]));
  }

  /** Waits until each guest has booted since these counts were taken, and that exactly once. */
  async bootedOnce(before: Readonly<Record<string, number>>): Promise<void> {
    const disks = Object.keys(before);
    const booted = (): boolean => disks.every((disk) => this.boots(disk) > (before[disk] ?? 0));
    await waitUntil(`${disks.join(', ')} booted`, booted, { timeoutMs: patienceMs, everyMs: 50 });
    await this.beating(disks);
    for (const disk of disks) {
      const times = this.boots(disk) - (before[disk] ?? 0);
      if (times !== 1) throw new Error(`${disk} booted ${times} times`);
    }
  }

  /** Waits until the guest on each of these disks goes on writing. */
  async beating(disks: readonly string[]): Promise<void> {
    const from = new Map(disks.map((disk) => [disk, this.#beat(disk)]));
    await waitUntil(
      `guests write to ${disks.join(', ')}`,
      () =>
        disks.every((disk) => {
          const [before, now] = [from.get(disk), this.#beat(disk)];
          return before === undefined || now.boots > before.boots || now.beat > before.beat;
        }),
      { timeoutMs: patienceMs, everyMs: 50 },
    );
  }

  #beat(name: string): { readonly boots: number; readonly beat: number } {
    const disk = this.lab.disks().find((one) => one.name === name);
    if (disk === undefined) throw new Error(`there is no disk ${name}`);
    return newestHeartbeat(disk) ?? { boots: 0, beat: 0 };
  }

  /** On which nodes libvirt says that each VM is active, asked without Kennel. */
  async copies(): Promise<ReadonlyMap<string, readonly string[]>> {
    const { vms } = await this.status();
    const found = new Map<string, string[]>(vms.map((vm) => [vm.name, []]));
    for (const machine of this.lab.nodes()) {
      if (machine.power() !== 'on') continue;
      const { stdout } = await virsh(machine.libvirtSocket, ['list', '--name']);
      for (const name of stdout.split('\n')) found.get(name.trim())?.push(machine.name);
    }
    return found;
  }

  /** Permits by VM: which node and incarnation, under which token. */
  async permits(): Promise<ReadonlyMap<string, NonNullable<VmView['permit']>>> {
    const { vms } = await this.status();
    return new Map(vms.flatMap((vm) => (vm.permit === null ? [] : [[vm.name, vm.permit]])));
  }

  /** Power commands that reached the BMC of a node so far. */
  powerCommands(node: LabNode): readonly string[] {
    return this.lab
      .bmcCalls(node.number)
      .map((call) => call.words)
      .filter((words) => words.startsWith('set'));
  }

  /**
   * Ends every fault that a scenario may have left and waits for health. A node that does not come
   * back by itself is power-cycled by hand, which proves its old boot dead.
   */
  async restore(options: RestoreOptions = {}): Promise<void> {
    const { patienceMs: allMs = patienceMs } = options;
    await this.lab.healAll();
    for (let manager = 1; manager <= this.lab.managerCount; manager += 1) {
      if (this.cluster.managerState(manager) === 'dead') await this.cluster.startManager(manager);
    }
    const overdueMs = new Map<string, number>();
    await this.until(
      'every node is online',
      async ({ nodes }) => {
        for (const node of nodes) await this.#bringBack(node, overdueMs, options);
        return nodes.every((node) => node.state === 'online');
      },
      allMs,
    );
    await this.healthy(allMs);
  }

  async #bringBack(
    node: NodeView,
    overdueMs: Map<string, number>,
    { returnPatienceMs = 6000, onHelp }: RestoreOptions,
  ): Promise<void> {
    const machine = this.machine(node.name);
    const now = performance.now();
    const open = node.fence?.phase === 'acting' || node.fence?.phase === 'intent';
    if (node.state === 'online') return;
    if (!overdueMs.has(node.name)) overdueMs.set(node.name, now + returnPatienceMs);
    const isOverdue = now > (overdueMs.get(node.name) ?? 0);
    if (isOverdue) {
      onHelp?.(node.name);
      await machine.powerLoss();
      overdueMs.set(node.name, now + 3 * returnPatienceMs);
    }
    if (machine.power() === 'off' && (isOverdue || !open)) await machine.powerOn();
  }
}

function isWell(view: StatusView, hopeless: readonly string[]): boolean {
  const nodesAreWell = view.nodes.every(
    (node) => node.state === 'online' && node.hypervisor === 'ok' && node.capacity.memoryMiB > 0,
  );
  const vmsAreWell = view.vms.every(
    (vm) => vm.desired !== 'running' || vm.state === 'running' || hopeless.includes(vm.name),
  );
  return nodesAreWell && vmsAreWell;
}
