import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeControlGroup } from '../../deploy/lab/control-group.ts';
import { mustRun } from '../../deploy/lab/command.ts';
import { kennelCommand, valueOf } from '../../deploy/lab/cluster/kennel-cluster.ts';
import { LabError } from '../../deploy/lab/lab-error.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import type { FailoverView, NodeView, StatusView } from '../../src/api/schema/views.ts';
import { loadClientCredentials } from '../../src/cli/client-credentials.ts';
import { loadAgentConfig, saveAgentConfig } from '../../src/cli/start/service-config.ts';
import { openClient, type Client } from '../../src/client/client.ts';
import { leastLevelBudgetMs } from '../../src/core/timing/recovery-budget.ts';
import { profiles, type DetectionProfile } from '../../src/core/model/settings.ts';
import { realLog } from '../../src/env/real/log.ts';
import { realEnv } from '../../src/env/real/real-env.ts';
import type { BenchNode } from './bench-node.ts';
import type { ProofPath } from './failover-options.ts';
import { bmcSocket } from './bmc-files.ts';

const apiPort = 7400;
const sessionPort = 7401;
const here = import.meta.dirname;
/** Long enough for a machine that is busy with other things. */
const patienceMs = 120_000;
const deletedAtOnce = 16;

export interface BenchClusterOptions {
  readonly nodes: readonly BenchNode[];
  /** They run a manager each, on a store of their own; a single one keeps it on its disk. */
  readonly managers: readonly [BenchNode, ...BenchNode[]];
  /** On a real disk: the manager's store syncs there. */
  readonly directory: string;
  readonly bmcDirectory: string;
  readonly eventsFile: string;
  readonly profile: DetectionProfile;
  readonly settleMs: number;
  /** `pdu`: a second level behind the BMC. `watchdog`: the nodes fence themselves. */
  readonly proof: ProofPath;
  readonly signal: AbortSignal;
}

/** Kennel on the nodes of a bench: managers, an agent and a fence device per node. */
export class BenchCluster {
  readonly #options: BenchClusterOptions;
  readonly #client: Client;

  private constructor(options: BenchClusterOptions, client: Client) {
    this.#options = options;
    this.#client = client;
  }

  /** Makes it as an operator would: init, manager, join, fence devices. Nodes must be on. */
  static async start(options: BenchClusterOptions): Promise<BenchCluster> {
    const [first, ...others] = options.managers;
    const directory = managerDirectory(options, first);
    await mustRun([
      ...kennelCommand,
      'init',
      `--directory=${directory}`,
      '--name=bench',
      `--profile=${options.profile}`,
      `--address=${first.address}`,
      `--api-port=${apiPort}`,
      `--session-port=${sessionPort}`,
    ]);
    const cluster = new BenchCluster(options, await adminClient(options));
    cluster.startManager(first);
    await cluster.#until('the manager leads', (view) => view.leader !== null);
    for (const node of others) await cluster.#joinManager(node);
    await cluster.untilManagersFollow();
    await Promise.all(options.nodes.map((node) => cluster.#join(node)));
    for (const node of options.nodes) cluster.startAgent(node);
    await cluster.untilReady(options.nodes);
    for (const node of options.nodes) await cluster.#addFence(node);
    // Every round loses a node: quarantine would keep it out after five of them.
    const settings = { 'quarantine.losses': 1000 };
    valueOf(await cluster.#client.changeSettings({ settings }));
    return cluster;
  }

  get #hasWatchdog(): boolean {
    return this.#options.proof === 'watchdog';
  }

  /** What all managers have logged. */
  managerLog(): string {
    const logs = this.#options.managers.map((node) =>
      readFileSync(node.logFile('manager'), 'utf8'),
    );
    return logs.join('\n');
  }

  startManager(node: BenchNode): void {
    const program = [process.execPath, join(here, 'bench-manager.ts')];
    node.startService('manager', [...program, managerDirectory(this.#options, node)]);
  }

  /** The node of the manager that leads. */
  async leader(): Promise<BenchNode> {
    const { leader } = valueOf(await this.#client.managers());
    const found = this.#options.managers.find((node) => managerName(node) === leader);
    if (found === undefined) throw new Error('no manager leads');
    return found;
  }

  /** Waits until all managers answer and count as members of their store. */
  async untilManagersFollow(): Promise<void> {
    await this.#until('all managers follow', async () => {
      const view = await this.#client.managers();
      if (view.kind === 'problem' || view.value.leader === null) return false;
      const { managers } = view.value;
      const present = managers.filter((one) => one.healthy && one.role === 'voter');
      return present.length === this.#options.managers.length;
    });
  }

  startAgent(node: BenchNode): void {
    if (this.#hasWatchdog) startPetter(node, profiles[this.#options.profile].watchdogMs);
    // The agent as it ships; only the number of CPUs that it is told is not this machine's.
    const [program = '', ...kennel] = kennelCommand;
    const cpus = `--import=${join(here, 'ample-cpus.ts')}`;
    const run = ['agent', 'run', '--directory', agentDirectory(node)];
    node.startService('agent', [program, cpus, ...kennel, ...run]);
  }

  /** Waits until the nodes can be given VMs: online, with a lease, their hypervisors answering. */
  async untilReady(nodes: readonly BenchNode[]): Promise<void> {
    const names = nodes.map((node) => node.name);
    await this.#until(`${names.join(', ')} are ready`, (view) =>
      names.every((name) => {
        const node = view.nodes.find((each) => each.name === name);
        if (node === undefined || !isReady(node)) return false;
        return !this.#hasWatchdog || node.isolation === 'selfFencing';
      }),
    );
  }

  /**
   * Puts `count` new VMs on one node although they may run on all: VMs go where an agent is
   * connected, so the other agents are stopped first and started again once all VMs run.
   */
  async fill(victim: BenchNode, count: number): Promise<void> {
    const others = this.#options.nodes.filter((node) => node !== victim);
    await Promise.all(others.map((node) => node.endService('agent')));
    await this.#until('the other agents are missed', (view) =>
      others.every((other) =>
        view.nodes.some((node) => node.name === other.name && node.state !== 'online'),
      ),
    );
    for (let number = 1; number <= count; number += 1) {
      this.#options.signal.throwIfAborted();
      await this.#createVm(`vm${number}`);
    }
    await this.#until(
      `${count} VMs run on ${victim.name}`,
      (view) =>
        view.vms.length === count &&
        view.vms.every((vm) => vm.state === 'running' && vm.node === victim.name),
    );
    for (const node of others) this.startAgent(node);
    await this.untilReady(this.#options.nodes);
  }

  /**
   * Stops and forgets all VMs, a few at a time: hundreds of stops at once keep an agent busy for
   * longer than a fast profile lets it be silent, and this is no part of what is measured.
   */
  async empty(): Promise<void> {
    const { vms } = valueOf(await this.#client.status());
    for (let from = 0; from < vms.length; from += deletedAtOnce) {
      const some = vms.slice(from, from + deletedAtOnce);
      for (const vm of some) valueOf(await this.#client.deleteVm(vm.id));
      const left = vms.length - from - some.length;
      await this.#until(`${left} VMs are left`, (view) => view.vms.length === left);
    }
  }

  /** The completed failover record of a node's crash. */
  async failoverOf(victim: BenchNode, crashMs: number): Promise<FailoverView> {
    let found: FailoverView | undefined;
    await this.#until('the failover record is closed', async () => {
      const failovers = valueOf(await this.#client.failovers());
      found = failovers.find(
        (each) => each.node === victim.name && Date.parse(each.detectedAt) >= crashMs,
      );
      return found !== undefined && found.outcome !== 'open';
    });
    if (found === undefined) throw new Error('a record was found and is gone');
    return found;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #until(
    what: string,
    holds: (view: StatusView) => boolean | Promise<boolean>,
  ): Promise<void> {
    await waitUntil(
      what,
      async () => {
        for (const node of this.#options.nodes) if (node.isOn) node.mustServe();
        const status = await this.#client.status({ timeoutMs: 10_000 });
        return status.kind === 'ok' && (await holds(status.value));
      },
      { timeoutMs: patienceMs, everyMs: 100, signal: this.#options.signal },
    );
  }

  async #joinManager(node: BenchNode): Promise<void> {
    const name = managerName(node);
    const asked = await this.#client.createManagerToken({
      name,
      replaces: null,
      isWitness: false,
      ttlMs: 600_000,
    });
    await node.run(
      [
        ...kennelCommand,
        'manager',
        'join',
        '--token-stdin',
        `--name=${name}`,
        `--address=${node.address}`,
        `--api-port=${apiPort}`,
        `--session-port=${sessionPort}`,
        `--manager=${this.#options.managers[0].address}:${apiPort}`,
        `--directory=${managerDirectory(this.#options, node)}`,
      ],
      { input: valueOf(asked).token, timeoutMs: patienceMs, signal: this.#options.signal },
    );
    this.startManager(node);
  }

  async #join(node: BenchNode): Promise<void> {
    const { token } = valueOf(await this.#client.createToken({ node: node.name, ttlMs: 600_000 }));
    const directory = agentDirectory(node);
    await node.run(
      [
        ...kennelCommand,
        'agent',
        'join',
        '--token-stdin',
        `--node=${node.name}`,
        `--address=${node.address}`,
        `--manager=${this.#options.managers[0].address}:${apiPort}`,
        `--boot-id-file=${node.bootIdFile}`,
        `--machine-id-file=${node.machineIdFile}`,
        `--directory=${directory}`,
        ...(this.#hasWatchdog ? [`--watchdog-socket=${petterSocket}`] : []),
      ],
      { input: token, timeoutMs: patienceMs, signal: this.#options.signal },
    );
    const { disk } = realEnv({ log: realLog({ level: 'warn' }) });
    const joined = valueOf(await loadAgentConfig(disk, directory));
    const hypervisor = { kind: 'process' as const, eventsFile: this.#options.eventsFile };
    await saveAgentConfig(disk, directory, { ...joined, hypervisor });
  }

  async #addFence(node: BenchNode): Promise<void> {
    const { bmcDirectory, settleMs } = this.#options;
    const hasPdu = this.#options.proof === 'pdu';
    for (const [index, device] of (hasPdu ? ['bmc', 'pdu'] : ['bmc']).entries()) {
      valueOf(
        await this.#client.addFenceDevice(node.name, {
          id: device,
          level: index + 1,
          driver: 'bench',
          settings: { socket: bmcSocket(bmcDirectory), node: node.name, device },
          secrets: {},
          settleMs,
          // The least that is taken, so that what the second level costs is not mostly waiting.
          budgetMs: index === 0 && hasPdu ? leastLevelBudgetMs({ devices: [] }) + settleMs : null,
          delayMs: null,
        }),
      );
    }
  }

  async #createVm(name: string): Promise<void> {
    const created = await this.#client.createVm({
      id: null,
      desired: 'running',
      node: null,
      spec: {
        name,
        vcpus: 1,
        memoryMiB: 1,
        disks: [],
        interfaces: [],
        priority: 'medium',
        definition: { kind: 'typed', machine: null, emulated: false },
        consoleLog: null,
        separateFrom: [],
        nodes: [],
        limits: { restarts: 2, relocations: 2 },
      },
    });
    if (created.kind === 'problem') {
      const { what, because } = created.problem;
      throw new LabError('BENCH_VM', what, because, 'see the log of the manager');
    }
  }
}

/** On the node's own tmpfs. */
const petterSocket = '/run/watchdog.sock';

/** The shell is the holder: it has the device open too, outside the petter's control group. */
function startPetter(node: BenchNode, timeoutMs: number): void {
  if (node.isServing('watchdog')) return;
  makeControlGroup(node.petterGroup);
  const hold = 'exec 3>"$1/watchdog0"; (echo 0 >"$2/cgroup.procs"; shift 2; exec "$@"); exit 1';
  const petter = [process.execPath, join(here, 'bench-watchdog.ts')];
  const told = [node.directory, node.bootIdFile, `${timeoutMs}`, petterSocket];
  const words = ['petter', node.directory, node.petterGroup, ...petter, ...told];
  node.startService('watchdog', ['bash', '-c', hold, ...words]);
}

const managerName = (node: BenchNode): string => `manager-${node.number}`;
const managerDirectory = ({ directory }: BenchClusterOptions, node: BenchNode): string =>
  join(directory, managerName(node));
const agentDirectory = (node: BenchNode): string => join(node.directory, 'kennel');

function isReady(node: NodeView): boolean {
  return node.state === 'online' && node.hypervisor === 'ok' && node.leaseMs !== null;
}

async function adminClient(options: BenchClusterOptions): Promise<Client> {
  const [first, ...others] = options.managers;
  const admin = join(managerDirectory(options, first), 'admin');
  const target = (node: BenchNode) => ({
    unixSocket: join(managerDirectory(options, node), 'api.sock'),
  });
  const env = realEnv({ log: realLog({ level: 'silent' }) });
  const credentials = valueOf(
    await loadClientCredentials(env, {
      certificate: join(admin, 'admin.crt'),
      key: join(admin, 'admin.key'),
      certificateAuthority: join(admin, 'ca.crt'),
    }),
  );
  return openClient({ targets: [target(first), ...others.map(target)], credentials });
}
