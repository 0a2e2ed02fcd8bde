import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddFenceDevice } from '../../../src/api/schema/fencing.ts';
import type { CreateVm } from '../../../src/api/schema/requests.ts';
import type { StatusView, VmView } from '../../../src/api/schema/views.ts';
import { openClient, type Client } from '../../../src/client/client.ts';
import type { DetectionProfile } from '../../../src/core/model/settings.ts';
import type { Outcome } from '../../../src/core/problem.ts';
import { KennelError } from '../../../src/errors/kennel-error.ts';
import { loadClientCredentials } from '../../../src/cli/client-credentials.ts';
import { realEnv } from '../../../src/env/real/real-env.ts';
import { realLog } from '../../../src/env/real/log.ts';
import { mustRun, runCommand } from '../command.ts';
import type { CommandOptions, CommandResult } from '../command.ts';
import type { Lab, LabProcess } from '../lab.ts';
import type { LabProcessState } from '../lab-process.ts';
import { LabError } from '../lab-error.ts';
import { storeOf, type LabStore } from './lab-store.ts';
import { ensureEtcd, etcdEndpoints } from '../etcd.ts';
import { kennelConfigFile, kennelDirectory, managerName } from '../layout.ts';
import { outletNames, type OutletName } from '../pdu.ts';
import type { LabDisk } from '../storage.ts';
import { waitUntil } from '../wait-until.ts';

const checkout = join(import.meta.dirname, '..', '..', '..');
const apiPort = 7400;
const sessionPort = 7401;

/** The program that people call `kennel`, run by the Node that runs this. */
export const kennelCommand: readonly string[] = [
  process.execPath,
  join(checkout, 'bin', 'kennel.mjs'),
];

export interface ClusterOptions {
  readonly profile: DetectionProfile;
  /** Settle time of every BMC, in ms. */
  readonly settleMs: number;
  /** Default: `storeOf`. */
  readonly store?: LabStore | undefined;
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Kennel itself on a lab: its managers, an agent per node, a fence device each. On etcd there is a
 * member of it beside each manager.
 */
export class KennelCluster {
  readonly lab: Lab;
  readonly #directory: string;
  readonly #signal: AbortSignal | undefined;
  #client: Client | null = null;

  constructor(lab: Lab, signal?: AbortSignal) {
    this.lab = lab;
    this.#directory = kennelDirectory(lab.layout);
    this.#signal = signal;
  }

  /** Data of the manager. */
  get directory(): string {
    return this.#directory;
  }

  /** The client configuration with which `kennel` reaches this cluster from outside the lab. */
  get configFile(): string {
    return kennelConfigFile(this.lab.layout);
  }

  get client(): Client {
    if (this.#client === null) {
      throw new LabError('LAB_CLUSTER', 'kennel', 'the cluster was not started', 'start it first');
    }
    return this.#client;
  }

  /**
   * Makes what is missing, as an operator would: init, manager, join, fence devices. A manager that
   * is frozen is not missing.
   *
   * @returns what it had to do, in words; empty when all was there.
   */
  async start(options: ClusterOptions): Promise<readonly string[]> {
    const done: string[] = [];
    const say = (line: string): void => {
      done.push(line);
      options.say?.(line);
    };
    const store = await storeOf(this.#directory, {
      asked: options.store,
      managers: this.lab.managerCount,
    });
    if (store === 'etcd') {
      const members = await ensureEtcd(this.lab, this.#signal);
      if (members.length > 0) say(`the store runs: ${members.join(', ')}`);
    }
    if (!this.isMade()) {
      await this.#init(options, store);
      say('made cluster lab: kennel init');
    }
    await this.openClient();
    for (const line of await this.#startManagers()) say(line);
    const known = new Set((await this.status()).nodes.map((node) => node.name));
    const joining = this.lab.nodes().filter((node) => !known.has(node.name));
    for (const node of joining) {
      await this.#join(node.number);
      say(`${node.name} joined`);
    }
    for (const node of this.lab.nodes()) {
      if (await this.#addFence(node.number, options.settleMs)) {
        say(`the fence devices of ${node.name} are verified and can fence it`);
      }
    }
    const names = new Set(joining.map((node) => node.name));
    await this.until('the nodes that joined are online and say what they can carry', (view) =>
      view.nodes
        .filter((node) => names.has(node.name))
        .every((node) => node.state === 'online' && node.capacity.memoryMiB > 0),
    );
    return done;
  }

  /** True once there is a cluster in the lab, whether its manager runs or not. */
  isMade(): boolean {
    return existsSync(join(this.#directory, 'manager.yaml'));
  }

  managerState(manager = 1): LabProcessState {
    const processes = this.lab.status().processes;
    return processes.find((one) => one.name === managerName(manager))?.state ?? 'dead';
  }

  /** Starts a manager, again if need be, and waits until one leads. */
  async startManager(manager = 1): Promise<LabProcess> {
    const name = managerName(manager);
    // What a killed manager had started goes with it, as it does under a service manager.
    const known = this.lab.status().processes.some((one) => one.name === name);
    if (known) await this.manager(manager).kill();
    const directory = kennelDirectory(this.lab.layout, manager);
    const started = await this.lab.spawnManager(
      [...kennelCommand, 'manager', 'run', '--directory', directory],
      { name, place: { kind: 'manager', manager } },
    );
    await this.until('a manager leads', (view) => view.leader !== null, 60_000);
    return started;
  }

  manager(manager = 1): LabProcess {
    return this.lab.process(managerName(manager));
  }

  /**
   * Opens the client over the managers' local sockets, from credentials that `start` left.
   * `without`: a manager that is not to be asked, because what it knows is old.
   */
  async openClient({ without = 0 }: { readonly without?: number } = {}): Promise<void> {
    const asked = [1, ...this.#others()].filter((manager) => manager !== without);
    await this.#client?.close();
    this.#client = await this.#clientOf(asked);
  }

  /** A client of its own that asks this manager first, and the others when it does not answer. */
  clientVia(manager: number): Promise<Client> {
    return this.#clientOf([manager, ...[1, ...this.#others()].filter((one) => one !== manager)]);
  }

  async #clientOf(managers: readonly number[]): Promise<Client> {
    const admin = join(this.#directory, 'admin');
    const env = realEnv({ log: realLog({ level: 'silent' }) });
    const credentials = await loadClientCredentials(env, {
      certificate: join(admin, 'admin.crt'),
      key: join(admin, 'admin.key'),
      certificateAuthority: join(admin, 'ca.crt'),
    });
    const [first, ...others] = managers.map((manager) => ({ unixSocket: this.#socket(manager) }));
    if (first === undefined) throw new RangeError('no manager is left to be asked');
    return openClient({ targets: [first, ...others], credentials: valueOf(credentials) });
  }

  async status(): Promise<StatusView> {
    return valueOf(await this.client.status());
  }

  /** Number of the manager that leads. Waits until one does that is not `other`. */
  leader(other = 0): Promise<number> {
    return waitUntil(
      'a manager leads',
      async () => {
        const view = await this.client.managers({ timeoutMs: 5000 });
        if (view.kind === 'problem') return null;
        const leader = view.value.managers.find((manager) => manager.leads)?.number ?? other;
        return leader === other ? null : leader;
      },
      { timeoutMs: 60_000, everyMs: 20, signal: this.#signal },
    );
  }

  /** Waits for a state of the cluster; a manager that does not answer is waited for too. */
  until(
    what: string,
    holds: (view: StatusView) => boolean | Promise<boolean>,
    timeoutMs = 90_000,
  ): Promise<StatusView> {
    return waitUntil(
      what,
      async () => {
        const status = await this.client.status({ timeoutMs: 5000 });
        return status.kind === 'ok' && (await holds(status.value)) ? status.value : null;
      },
      { timeoutMs, everyMs: 50, signal: this.#signal },
    );
  }

  /** Creates a VM per disk, with the tiny guest that is on it. `nodes`: where it may run. */
  async createVms(
    disks: readonly LabDisk[],
    nodes: readonly string[] = [],
  ): Promise<readonly VmView[]> {
    const created: VmView[] = [];
    for (const disk of disks) {
      const spec = { ...tinyVmSpec(disk), nodes: [...nodes] };
      const vm = await this.client.createVm({ id: null, desired: 'running', node: null, spec });
      created.push(valueOf(vm));
    }
    return created;
  }

  /** Runs `kennel …` as an operator outside the lab would, to its end and whatever that is. */
  kennel(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return runCommand([...kennelCommand, '--config', this.configFile, ...argv], options);
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  /** Numbers of all managers but the first. */
  #others(): readonly number[] {
    return Array.from({ length: this.lab.managerCount - 1 }, (_, index) => index + 2);
  }

  #socket(manager: number): string {
    return join(kennelDirectory(this.lab.layout, manager), 'api.sock');
  }

  async #startManagers(): Promise<readonly string[]> {
    const done: string[] = [];
    if (this.managerState() === 'dead') {
      await this.startManager();
      done.push(`the manager leads, its API is at ${this.lab.managerAddress()}:${apiPort}`);
    }
    for (const manager of this.#others()) {
      const directory = kennelDirectory(this.lab.layout, manager);
      const isNew = !existsSync(join(directory, 'manager.yaml'));
      if (isNew) await this.#joinManager(manager, directory);
      if (this.managerState(manager) !== 'dead') continue;
      await this.startManager(manager);
      done.push(`${managerName(manager)} ${isNew ? 'joined and runs' : 'runs again'}`);
    }
    return done;
  }

  async #joinManager(manager: number, directory: string): Promise<void> {
    const name = managerName(manager);
    const asked = await this.client.createManagerToken({
      name,
      replaces: null,
      isWitness: false,
      ttlMs: 600_000,
    });
    const { token } = valueOf(asked);
    const joined = await this.lab.exec(
      { kind: 'manager', manager },
      [
        ...kennelCommand,
        'manager',
        'join',
        '--token-stdin',
        `--name=${name}`,
        `--address=${this.lab.managerAddress(manager)}`,
        `--api-port=${apiPort}`,
        `--session-port=${sessionPort}`,
        `--manager=${this.lab.managerAddress()}:${apiPort}`,
        `--directory=${directory}`,
      ],
      { input: token },
    );
    if (joined.code === 0) return;
    throw new LabError('LAB_CLUSTER', `${name} did not join`, joined.stderr, 'see its log');
  }

  async #init({ profile }: ClusterOptions, store: LabStore): Promise<void> {
    await mustRun([
      ...kennelCommand,
      'init',
      `--directory=${this.#directory}`,
      '--name=lab',
      `--profile=${profile}`,
      `--address=${this.lab.managerAddress()}`,
      `--api-port=${apiPort}`,
      `--session-port=${sessionPort}`,
      `--store=${store}`,
      ...(store === 'etcd' ? etcdEndpoints(this.lab).map((url) => `--etcd-endpoint=${url}`) : []),
    ]);
    const outside = [
      `unixSockets: [${[1, ...this.#others()].map((one) => this.#socket(one)).join(', ')}]`,
      'certificate: admin.crt',
      'key: admin.key',
      'certificateAuthority: ca.crt',
    ];
    writeFileSync(this.configFile, `${outside.join('\n')}\n`, { mode: 0o600 });
  }

  async #join(number: number): Promise<void> {
    const node = this.lab.node(number);
    const directory = join(node.directory, 'kennel');
    const { token } = valueOf(await this.client.createToken({ node: node.name, ttlMs: 600_000 }));
    const joined = await this.lab.execOnNode(
      number,
      [
        ...kennelCommand,
        'agent',
        'join',
        '--token-stdin',
        `--node=${node.name}`,
        `--address=${node.address}`,
        '--migrate-over=tcp',
        `--manager=${this.lab.managerAddress()}:${apiPort}`,
        `--directory=${directory}`,
      ],
      { input: token },
    );
    if (joined.code !== 0) {
      throw new LabError('LAB_CLUSTER', `${node.name} did not join`, joined.stderr, 'see its log');
    }
    node.addService({
      name: 'agent',
      argv: [...kennelCommand, 'agent', 'run', '--directory', directory],
      env: {},
    });
  }

  /** @returns false when the node has all its fence devices already. */
  async #addFence(number: number, settleMs: number): Promise<boolean> {
    const { name } = this.lab.node(number);
    const known = valueOf(await this.client.node(name)).fenceDevices.map(({ id }) => id);
    const outlets = this.lab.hasPdus ? outletNames : [];
    const wanted = [
      bmcDevice(this.lab, number),
      ...outlets.map((outlet) => outletDevice(this.lab, number, outlet)),
    ].filter(({ id }) => !known.includes(`${name}/${id}`));
    for (const device of wanted) {
      const body = { ...device, settleMs };
      valueOf(await this.client.addFenceDevice(name, body, { timeoutMs: 60_000 }));
    }
    return wanted.length > 0;
  }
}

/** A VM of the name of its disk, which holds the heartbeat guest. */
export function tinyVmSpec(disk: LabDisk): CreateVm['spec'] {
  return {
    name: disk.name,
    vcpus: 1,
    memoryMiB: 2,
    disks: [{ source: disk.source, format: 'raw', bus: 'virtio', readOnly: false }],
    interfaces: [],
    priority: 'medium',
    definition: { kind: 'typed', machine: 'pc', emulated: true },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: { restarts: 2, relocations: 2 },
  };
}

/** The BMC of a lab node as the API takes it. Default settle time: 2 s. */
export function bmcDevice(lab: Lab, number: number): AddFenceDevice {
  const { host, port, user, passwordFile } = lab.bmcOf(number);
  return {
    id: 'bmc',
    level: 1,
    driver: 'ipmi',
    settings: { host, port, user },
    secrets: { password: readFileSync(passwordFile, 'utf8').trim() },
    settleMs: 2000,
    budgetMs: null,
    delayMs: null,
  };
}

/** An outlet of the two supplies of a lab node, as the second level behind its BMC. */
export function outletDevice(lab: Lab, number: number, outlet: OutletName): AddFenceDevice {
  const { host, port, user } = lab.outletOf(number, outlet);
  const bmc = bmcDevice(lab, number);
  return { ...bmc, id: `pdu-${outlet}`, level: 2, settings: { host, port, user } };
}

/** The value of an answer; a problem is thrown as the error that people see. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'problem') throw new KennelError(outcome.problem);
  return outcome.value;
}
