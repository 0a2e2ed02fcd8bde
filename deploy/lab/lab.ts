import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { labBmc, readBmcFault, setBmcFault, bmcCalls, bmcProcessName } from './bmc.ts';
import { ensureBmc, powerCuts, stopBmc, wiredTo, wireBmc } from './bmc.ts';
import type { BmcCall, BmcFault, LabBmc, PowerCut } from './bmc.ts';
import { labOutlet, restoreOutlets, setOutletFault } from './pdu.ts';
import type { OutletFault, OutletName } from './pdu.ts';
import { runCommand } from './command.ts';
import type { CommandOptions, CommandResult } from './command.ts';
import { freezeGroup, killGroup, thawGroup } from './control-group.ts';
import { managerIsCut, setManagerCable } from './fabric.ts';
import type { LabNetwork } from './fabric.ts';
import { type DiskFault, HostFaults, type LabHost } from './host-faults.ts';
import { LabBook } from './lab-book.ts';
import { takeDown } from './lab-down.ts';
import type { DownReport } from './lab-down.ts';
import { LabError } from './lab-error.ts';
import { withLabLock } from './lab-lock.ts';
import { processState, requireProcess, startProcess } from './lab-process.ts';
import type { LabProcessState } from './lab-process.ts';
import { readRecord, recordIfReadable } from './lab-record.ts';
import type { LabProcessRecord } from './lab-record.ts';
import { bringUp, nodeGroup } from './lab-up.ts';
import type { UpReport, UpRequest } from './lab-up.ts';
import {
  kennelConfigFile,
  labLayout,
  managerAddress,
  managerName,
  managerNamespace,
  nodeName,
} from './layout.ts';
import type { LabLayout, LabOptions } from './layout.ts';
import { clearLinkFault, clearLinkFaults, linkFaults, setLinkFault } from './link-faults.ts';
import type { LinkFault } from './link-faults.ts';
import { LabNode } from './node-machine.ts';
import type { LabNodeStatus } from './node-machine.ts';
import { signalProcess } from './process-identity.ts';
import { toolPath } from './tool-path.ts';
import { ensureStorage, labDisk } from './storage.ts';
import type { LabDisk } from './storage.ts';

/** Where a command runs: inside a node, in a manager's place, or in the fabric. */
export type LabPlace =
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'manager'; readonly manager: number }
  | { readonly kind: 'fabric' };

export interface LabStatus {
  readonly up: boolean;
  readonly id: string;
  readonly directory: string;
  readonly nodes: readonly (LabNodeStatus & {
    readonly libvirtSocket: string;
    /** Share of one CPU that it is left; null = no limit. */
    readonly cpuShare: number | null;
    readonly bmc: LabBmc & {
      readonly state: LabProcessState;
      readonly fault: BmcFault;
      /** Number of the node whose BMC really answers there. */
      readonly wiredTo: number;
    };
  })[];
  readonly managers: readonly {
    readonly name: string;
    readonly address: string;
    readonly cut: boolean;
  }[];
  readonly disks: readonly LabDisk[];
  /** The client configuration of the cluster on the lab; null = the lab is bare. */
  readonly kennelConfig: string | null;
  readonly processes: readonly {
    readonly name: string;
    readonly pid: number | null;
    readonly state: LabProcessState;
    readonly log: string;
  }[];
}

/** A process started by `spawnManager`. It outlives the command that started it. */
export interface LabProcess {
  readonly name: string;
  readonly pid: number | null;
  readonly log: string;
  state(): LabProcessState;
  /** @returns false when it is dead. */
  signal(name: NodeJS.Signals): boolean;
  /** SIGKILL to it and to all it started. */
  kill(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

/** A lab of libvirt nodes on this machine. Needs root; see `preflight`. */
export class Lab {
  readonly layout: LabLayout;
  readonly #book: LabBook;
  readonly #hostFaults: HostFaults;

  constructor(layout: LabLayout) {
    this.layout = layout;
    this.#book = new LabBook(layout);
    this.#hostFaults = new HostFaults(this, this.#book);
  }

  #locked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return withLabLock(this.layout.id, signal, work);
  }

  /** Makes the lab or mends it. When that fails, a lab that it has begun itself is removed. */
  up(request: UpRequest = {}): Promise<UpReport> {
    return this.#locked(async () => {
      const before = readRecord(this.layout.directory);
      try {
        return await bringUp(this.#book, request);
      } catch (error) {
        if (before === null && this.isUp()) await takeDown(this.layout);
        throw error;
      }
    }, request.signal);
  }

  /** Removes everything; also what an `up` left that was killed half-way. */
  down(): Promise<DownReport> {
    return this.#locked(() => takeDown(this.layout));
  }

  isUp(): boolean {
    return existsSync(`${this.layout.directory}/lab.json`);
  }

  get nodeCount(): number {
    return this.#book.record().nodes;
  }

  get managerCount(): number {
    return this.#book.record().managers;
  }

  /** @throws LabError LAB_NO_NODE when the lab has no node of that number. */
  node(number: number): LabNode {
    const record = this.#book.record();
    if (!Number.isInteger(number) || number < 1 || number > record.nodes) {
      throw new LabError(
        'LAB_NO_NODE',
        nodeName(number),
        `the lab has ${nodeName(1)} to ${nodeName(record.nodes)}`,
        'see `kennel lab status`',
      );
    }
    return new LabNode(this.#book, number, nodeGroup(record, number));
  }

  nodes(): readonly LabNode[] {
    return Array.from({ length: this.nodeCount }, (_, index) => this.node(index + 1));
  }

  managerAddress(manager = 1): string {
    return managerAddress(this.layout, manager);
  }

  bmcOf(node: number): LabBmc {
    return labBmc(this.layout, node);
  }

  get hasPdus(): boolean {
    return this.#book.record().pdus;
  }

  outletOf(node: number, outlet: OutletName): LabBmc {
    return labOutlet(this.layout, node, outlet);
  }

  setOutletFault(node: number, outlet: OutletName, fault: OutletFault): void {
    setOutletFault(this.layout, { node: this.node(node).number, outlet }, fault);
  }

  bmcFault(node: number): BmcFault {
    return readBmcFault(this.layout, node);
  }

  async setBmcFault(node: number, fault: BmcFault): Promise<void> {
    await setBmcFault(this.layout, this.node(node).number, fault);
  }

  /** Puts the BMC of `machine` behind the address at which the BMC of `node` is expected. */
  async wireBmc(node: number, machine: number): Promise<void> {
    const [to, from] = [this.node(node).number, this.node(machine).number];
    await this.#locked(() => wireBmc(this.#book, to, from));
  }

  bmcCalls(node: number): readonly BmcCall[] {
    return bmcCalls(this.layout, node);
  }

  powerCuts(node: number): readonly PowerCut[] {
    return powerCuts(this.layout, node);
  }

  /** Takes the BMC of a node off its power. */
  async stopBmc(node: number): Promise<void> {
    await this.#locked(() => stopBmc(this.#book, this.node(node).number));
  }

  /** Does nothing when it runs. */
  async startBmc(node: number): Promise<void> {
    await this.#locked(() => ensureBmc(this.#book, this.node(node).number));
  }

  async setLinkFault(fault: LinkFault): Promise<void> {
    await this.#locked(() => setLinkFault(this.#book, fault));
  }

  async clearLinkFault(name: string): Promise<void> {
    await this.#locked(() => clearLinkFault(this.#book, name));
  }

  /** See `HostFaults.setDisk`. */
  async setDiskFault(host: LabHost, fault: DiskFault): Promise<void> {
    await this.#locked(() => this.#hostFaults.setDisk(host, fault));
  }

  /** See `HostFaults.setCpuShare`. */
  setCpuShare(host: LabHost, share: number | null): void {
    this.#hostFaults.setCpuShare(host, share);
  }

  /** Null = no limit. */
  cpuShare(host: LabHost): number | null {
    return this.#hostFaults.cpuShare(host);
  }

  #hosts(): readonly LabHost[] {
    const running = new Set(this.#book.record().processes.map(({ name }) => name));
    const managers = Array.from({ length: this.managerCount }, (_, index) => index + 1);
    return [
      ...this.nodes().map(({ number }) => ({ kind: 'node' as const, node: number })),
      ...managers
        .filter((manager) => running.has(managerName(manager)))
        .map((manager) => ({ kind: 'manager' as const, manager })),
    ];
  }

  linkFaults(): Promise<readonly string[]> {
    return linkFaults(this.layout);
  }

  disks(): readonly LabDisk[] {
    return this.#book.record().disks.map((name) => labDisk(this.layout, name));
  }

  /** Makes and exports disks that a running lab lacks, each with the heartbeat guest on it. */
  addDisks(names: readonly string[]): Promise<readonly LabDisk[]> {
    return this.#locked(async () => {
      this.#book.change((record) => ({
        ...record,
        disks: [...new Set([...record.disks, ...names])],
      }));
      await ensureStorage(this.#book);
      return names.map((name) => labDisk(this.layout, name));
    });
  }

  /** The argument vector that runs `argv` in that place, from outside the lab. */
  async command(place: LabPlace, argv: readonly string[]): Promise<readonly string[]> {
    if (place.kind === 'node') return this.node(place.node).command(argv);
    return ['nsenter', `--net=/run/netns/${this.#namespace(place)}`, '--', ...argv];
  }

  #namespace(place: Exclude<LabPlace, { kind: 'node' }>): string {
    return place.kind === 'fabric'
      ? this.layout.fabricNamespace
      : managerNamespace(this.layout, place.manager);
  }

  async exec(
    place: LabPlace,
    argv: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandResult> {
    return runCommand(await this.command(place, argv), options);
  }

  /** With this command's own terminal; returns the exit code (128 + n when a signal ended it). */
  async execInteractive(place: LabPlace, argv: readonly string[]): Promise<number> {
    const [file = '', ...rest] = await this.command(place, argv);
    const env = { ...process.env, PATH: toolPath() };
    const child = spawn(file, rest, { stdio: 'inherit', env });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 128;
  }

  execOnNode(
    node: number,
    argv: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandResult> {
    return this.exec({ kind: 'node', node }, argv, options);
  }

  /** Runs a command where it reaches every node, manager, BMC and the storage. */
  execInFabric(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return this.exec({ kind: 'fabric' }, argv, options);
  }

  /** Starts a long-running process in a manager's place, recorded so that `down` ends it. */
  spawnManager(
    argv: readonly string[],
    options: {
      readonly name: string;
      readonly place?: Exclude<LabPlace, { kind: 'node' }>;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<LabProcess> {
    const namespace = this.#namespace(options.place ?? { kind: 'manager', manager: 1 });
    return this.#locked(async () =>
      this.#handle(
        await startProcess(this.#book, {
          name: options.name,
          argv,
          env: options.env ?? {},
          namespace,
        }),
      ),
    );
  }

  /** Starts a process that has ended once more, as it was started before. */
  restartProcess(name: string): Promise<LabProcess> {
    return this.#locked(async () =>
      this.#handle(await startProcess(this.#book, requireProcess(this.#book, name))),
    );
  }

  /** A process that this or an earlier command started. */
  process(name: string): LabProcess {
    return this.#handle(requireProcess(this.#book, name));
  }

  #handle(record: LabProcessRecord): LabProcess {
    return {
      name: record.name,
      pid: record.identity?.pid ?? null,
      log: record.log,
      state: () => processState(record),
      signal: (name) => record.identity !== null && signalProcess(record.identity, name),
      kill: () => killGroup(record.group),
      freeze: () => freezeGroup(record.group),
      thaw: () => thawGroup(record.group),
    };
  }

  async partition(node: number, networks: readonly LabNetwork[] = ['management']): Promise<void> {
    await this.node(node).setCables(networks, 'down');
  }

  async heal(node: number): Promise<void> {
    await this.node(node).setCables(['management', 'storage'], 'up');
  }

  async setManagerCable(manager: number, link: 'up' | 'down'): Promise<void> {
    await setManagerCable(this.layout, manager, link);
  }

  /**
   * Ends every fault that is in force but the loss of power: a node that is off stays off, a process
   * that was killed stays dead.
   */
  async healAll(): Promise<void> {
    await this.#locked(() => clearLinkFaults(this.#book));
    for (const host of this.#hosts()) {
      await this.setDiskFault(host, { kind: 'none' });
      this.setCpuShare(host, null);
    }
    for (const node of this.nodes()) {
      const { number } = node;
      await this.startBmc(number);
      if (wiredTo(this.layout, number) !== number) await this.wireBmc(number, number);
      if (this.bmcFault(number) !== 'ok') await this.setBmcFault(number, 'ok');
      restoreOutlets(this.layout, number);
      await this.heal(number);
      if (node.power() === 'frozen') await node.thaw();
      node.signalService('libvirtd', 'SIGCONT');
      node.signalService('agent', 'SIGCONT');
      for (const service of node.services()) node.allowService(service, true);
      if (node.power() === 'on') await node.setStateDisk('writable');
    }
    for (let manager = 1; manager <= this.managerCount; manager += 1) {
      if (managerIsCut(this.layout, manager)) await this.setManagerCable(manager, 'up');
    }
    for (const record of this.#book.record().processes) {
      const one = this.#handle(record);
      if (one.state() === 'frozen') await one.thaw();
      one.signal('SIGCONT');
    }
  }

  status(): LabStatus {
    const { id, directory } = this.layout;
    const config = kennelConfigFile(this.layout);
    const record = readRecord(directory);
    if (record === null) {
      const nothing = { nodes: [], managers: [], disks: [], processes: [] };
      return { up: false, id, directory, kennelConfig: null, ...nothing };
    }
    const stateOf = (name: string): LabProcessState => {
      const found = record.processes.find((process) => process.name === name);
      return found === undefined ? 'dead' : processState(found);
    };
    return {
      up: true,
      id,
      directory,
      nodes: this.nodes().map((node) => ({
        ...node.status(),
        libvirtSocket: node.libvirtSocket,
        cpuShare: this.cpuShare({ kind: 'node', node: node.number }),
        bmc: {
          ...this.bmcOf(node.number),
          state: stateOf(bmcProcessName(node.number)),
          fault: this.bmcFault(node.number),
          wiredTo: wiredTo(this.layout, node.number),
        },
      })),
      managers: Array.from({ length: record.managers }, (_, index) => ({
        name: managerName(index + 1),
        address: this.managerAddress(index + 1),
        cut: managerIsCut(this.layout, index + 1),
      })),
      disks: this.disks(),
      kennelConfig: existsSync(config) ? config : null,
      processes: record.processes.map((process) => ({
        name: process.name,
        pid: process.identity?.pid ?? null,
        state: processState(process),
        log: process.log,
      })),
    };
  }
}

/**
 * The lab of a directory, whether it is up or not. Prefix and subnet of a lab that is up are kept.
 *
 * @throws LabError LAB_OPTIONS for options that cannot work or that contradict the lab there.
 */
export function openLab(options: LabOptions = {}): Lab {
  const asked = labLayout(options);
  const record = recordIfReadable(asked.directory);
  if (record === null) return new Lab(asked);
  const layout = labLayout({
    directory: asked.directory,
    prefix: record.prefix,
    subnet: record.subnet,
  });
  const contradicts =
    (options.prefix !== undefined && options.prefix !== record.prefix) ||
    (options.subnet !== undefined && options.subnet !== record.subnet);
  if (contradicts) {
    throw new LabError(
      'LAB_OPTIONS',
      'kennel lab',
      `the lab in ${asked.directory} has prefix ${record.prefix} and subnet ${record.subnet}`,
      'leave --prefix and --subnet out, or run `kennel lab down` first',
    );
  }
  return new Lab(layout);
}
