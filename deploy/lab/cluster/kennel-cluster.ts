import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusView, VmView } from '../../../src/api/schema/views.ts';
import { openClient, type Client } from '../../../src/client/client.ts';
import type { DetectionProfile } from '../../../src/core/model/settings.ts';
import type { Outcome } from '../../../src/core/problem.ts';
import { KennelError } from '../../../src/errors/kennel-error.ts';
import { loadClientCredentials } from '../../../src/cli/client-credentials.ts';
import { realEnv } from '../../../src/env/real/real-env.ts';
import { realLog } from '../../../src/env/real/log.ts';
import { mustRun } from '../command.ts';
import type { Lab, LabProcess } from '../lab.ts';
import { LabError } from '../lab-error.ts';
import type { LabDisk } from '../storage.ts';
import { waitUntil } from '../wait-until.ts';

const checkout = join(import.meta.dirname, '..', '..', '..');
const apiPort = 7400;
const sessionPort = 7401;
const managerProcess = 'manager-1';

/** The program that people call `kennel`, run by the Node that runs this. */
export const kennelCommand: readonly string[] = [
  process.execPath,
  join(checkout, 'bin', 'kennel.mjs'),
];

export interface ClusterOptions {
  readonly profile: DetectionProfile;
  /** Settle time of every BMC, in ms. */
  readonly settleMs: number;
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Kennel itself on the nodes of a lab: one manager, an agent per node, a fence device each. */
export class KennelCluster {
  readonly lab: Lab;
  readonly #directory: string;
  readonly #signal: AbortSignal | undefined;
  #client: Client | null = null;

  constructor(lab: Lab, signal?: AbortSignal) {
    this.lab = lab;
    this.#directory = join(lab.layout.directory, 'kennel');
    this.#signal = signal;
  }

  /** The client configuration with which `kennel` reaches this cluster from outside the lab. */
  get configFile(): string {
    return join(this.#directory, 'admin', 'outside.yaml');
  }

  get client(): Client {
    if (this.#client === null) {
      throw new LabError('LAB_CLUSTER', 'kennel', 'the cluster was not started', 'start it first');
    }
    return this.#client;
  }

  /** Makes what is missing, as an operator would: init, manager, join, fence devices. */
  async start(options: ClusterOptions): Promise<void> {
    const say = options.say ?? (() => undefined);
    if (!existsSync(join(this.#directory, 'manager.yaml'))) {
      say('kennel init');
      await this.#init(options.profile);
    }
    await this.openClient();
    await this.startManager();
    say('manager leads');
    const known = new Set((await this.status()).nodes.map((node) => node.name));
    for (const node of this.lab.nodes()) {
      if (known.has(node.name)) continue;
      await this.#join(node.number);
      say(`${node.name} joined`);
    }
    await this.until('all nodes are online', (view) =>
      view.nodes.every((node) => node.state === 'online'),
    );
    for (const node of this.lab.nodes()) await this.#addFence(node.number, options.settleMs);
    say('every BMC is enrolled and verified');
  }

  async startManager(): Promise<LabProcess> {
    const manager = await this.lab.spawnManager(
      [...kennelCommand, 'manager', 'run', '--directory', this.#directory],
      { name: managerProcess },
    );
    await waitUntil('the manager leads', async () => (await this.client.status()).kind === 'ok', {
      timeoutMs: 60_000,
      everyMs: 100,
      signal: this.#signal,
    });
    return manager;
  }

  manager(): LabProcess {
    return this.lab.process(managerProcess);
  }

  /** Opens the client over the manager's local socket, from credentials that `start` left. */
  async openClient(): Promise<void> {
    const admin = join(this.#directory, 'admin');
    const env = realEnv({ log: realLog({ level: 'silent' }) });
    const credentials = await loadClientCredentials(env, {
      certificate: join(admin, 'admin.crt'),
      key: join(admin, 'admin.key'),
      certificateAuthority: join(admin, 'ca.crt'),
    });
    this.#client = openClient({
      target: { unixSocket: join(this.#directory, 'api.sock') },
      credentials: valueOf(credentials),
    });
  }

  async status(): Promise<StatusView> {
    return valueOf(await this.client.status());
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

  /** Creates a VM per disk, with the tiny guest that is on it. */
  async createVms(disks: readonly LabDisk[]): Promise<readonly VmView[]> {
    const created: VmView[] = [];
    for (const disk of disks) {
      const vm = await this.client.createVm({
        id: null,
        desired: 'running',
        spec: {
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
        },
      });
      created.push(valueOf(vm));
    }
    return created;
  }

  /** Runs `kennel …` as an operator outside the lab would. */
  async kennel(argv: readonly string[]): Promise<string> {
    return mustRun([...kennelCommand, '--config', this.configFile, ...argv]);
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #init(profile: DetectionProfile): Promise<void> {
    await mustRun([
      ...kennelCommand,
      'init',
      `--directory=${this.#directory}`,
      '--name=lab',
      `--profile=${profile}`,
      `--address=${this.lab.managerAddress()}`,
      `--api-port=${apiPort}`,
      `--session-port=${sessionPort}`,
    ]);
    const outside = [
      `unixSocket: ${join(this.#directory, 'api.sock')}`,
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

  async #addFence(number: number, settleMs: number): Promise<void> {
    const node = this.lab.node(number);
    const bmc = this.lab.bmcOf(number);
    const known = valueOf(await this.client.node(node.name));
    if (known.fenceDevices.length > 0) return;
    const added = await this.client.addFenceDevice(
      node.name,
      {
        id: 'bmc',
        level: 1,
        driver: 'ipmi',
        settings: { host: bmc.host, port: bmc.port, user: bmc.user },
        secrets: { password: readFileSync(bmc.passwordFile, 'utf8').trim() },
        settleMs,
      },
      { timeoutMs: 60_000 },
    );
    valueOf(added);
  }
}

/** The value of an answer; a problem is thrown as the error that people see. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'problem') throw new KennelError(outcome.problem);
  return outcome.value;
}
