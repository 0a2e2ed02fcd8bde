import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './command.ts';
import { freezeGroup, frozen, inControlGroup, killGroup, populated } from './control-group.ts';
import { thawGroup } from './control-group.ts';
import { nodeCutFile, setNodeCables, toolCommand } from './fabric.ts';
import type { LabNetwork } from './fabric.ts';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import { agentDirectory, nodeAddress, nodeDirectory, nodeName, nodeNamespace } from './layout.ts';
import { allowService, processInNode, serviceProcess, serviceState } from './node-services.ts';
import { serviceNames, writeService } from './node-services.ts';
import type { NodeService, ServiceState } from './node-services.ts';
import { signalProcess } from './process-identity.ts';
import { restoreOutlets } from './pdu.ts';
import { virsh } from './virsh.ts';
import { waitUntil } from './wait-until.ts';

export type NodePower = 'on' | 'off' | 'frozen';

export interface LabNodeStatus {
  readonly name: string;
  readonly address: string;
  readonly power: NodePower;
  /** Boot id of the current or last boot; null before the first. */
  readonly bootId: string | null;
  readonly cut: readonly LabNetwork[];
  readonly services: Readonly<Record<string, ServiceState>>;
}

const powerScript = join(import.meta.dirname, 'machine', 'power.sh');

/** One simulated physical host. Its power, its cables and its processes. */
export class LabNode {
  readonly number: number;
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  readonly directory: string;
  /** Holds every process of the node. */
  readonly group: string;
  /** The node's `/run/libvirt/libvirt-sock`, reachable from the machine beneath. */
  readonly libvirtSocket: string;
  /** Changes with every boot. Inside the node it is also `/proc/sys/kernel/random/boot_id`. */
  readonly bootIdFile: string;
  /** Data of the Kennel agent, if there is one. */
  readonly agentDirectory: string;
  readonly #book: LabBook;

  constructor(book: LabBook, number: number, group: string) {
    this.#book = book;
    this.number = number;
    this.group = group;
    this.name = nodeName(number);
    this.address = nodeAddress(book.layout, number);
    this.namespace = nodeNamespace(book.layout, number);
    this.directory = nodeDirectory(book.layout, number);
    this.libvirtSocket = join(this.directory, 'run', 'libvirt-sock');
    this.bootIdFile = join(this.directory, 'boot-id');
    this.agentDirectory = agentDirectory(book.layout, number);
  }

  power(): NodePower {
    if (!populated(this.group)) return 'off';
    return frozen(this.group) ? 'frozen' : 'on';
  }

  bootId(): string | null {
    return existsSync(this.bootIdFile) ? readFileSync(this.bootIdFile, 'utf8').trim() : null;
  }

  /** The power button, with both supplies plugged in. Returns when the node's init is at work; libvirtd needs a moment more. */
  async powerOn(): Promise<void> {
    restoreOutlets(this.#book.layout, this.number);
    await mustRun(toolCommand(this.#book, [powerScript, this.directory, 'on']));
    await this.#ready();
  }

  /** The plug: cables dead first, so that no peer hears a farewell. The BMC is not asked. */
  async powerLoss(): Promise<void> {
    await mustRun(toolCommand(this.#book, [powerScript, this.directory, 'off']));
  }

  /** Kills all processes while the network still works: peers see their connections close. */
  async kill(): Promise<void> {
    await killGroup(this.group);
  }

  /** Off and on again at once, as a watchdog or a person at the button does: another boot id. */
  async reset(): Promise<void> {
    await this.powerLoss();
    await this.powerOn();
  }

  /** As an operating system goes down: services first, then guests, then the power. */
  async shutDown(): Promise<void> {
    this.#mustBeOn();
    this.signalService('agent', 'SIGTERM');
    const { stdout } = await virsh(this.libvirtSocket, ['list', '--name']);
    for (const name of stdout.split('\n').filter((line) => line.trim() !== '')) {
      await virsh(this.libvirtSocket, ['destroy', name.trim()]);
    }
    await this.powerLoss();
  }

  /**
   * Makes the disk under the agent's data read-only, as a file system does that met an error, or
   * writable again. The next boot makes it writable too.
   *
   * @throws LabError LAB_NODE_OFF when the node is off.
   */
  async setStateDisk(mode: 'readOnly' | 'writable'): Promise<void> {
    const where = this.agentDirectory;
    const isReadOnly = this.stateDiskIsReadOnly();
    if (isReadOnly === (mode === 'readOnly')) return;
    const script = isReadOnly
      ? 'umount "$0"'
      : 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"';
    await mustRun(await this.command(['sh', '-c', script, where]));
  }

  stateDiskIsReadOnly(): boolean {
    const init = processInNode(this.group, 1);
    if (init === null) return false;
    return readFileSync(`/proc/${init.pid}/mounts`, 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .some(([, where, , options = '']) => {
        return where === this.agentDirectory && options.split(',').includes('ro');
      });
  }

  /** @throws LabError LAB_NODE_OFF when the node is off. */
  async freeze(): Promise<void> {
    this.#mustBeOn();
    await freezeGroup(this.group);
  }

  async thaw(): Promise<void> {
    await thawGroup(this.group);
  }

  async setCables(networks: readonly LabNetwork[], link: 'up' | 'down'): Promise<void> {
    const machine = { node: this.number, directory: this.directory, on: this.power() !== 'off' };
    await setNodeCables(this.#book.layout, machine, networks, link);
  }

  /** True once libvirtd answers calls. False while it starts, hangs or is gone. */
  async libvirtAnswers(): Promise<boolean> {
    if (!existsSync(this.libvirtSocket)) return false;
    return (await virsh(this.libvirtSocket, ['uri'], { timeoutMs: 5000 })).code === 0;
  }

  #mustBeOn(): void {
    if (this.power() !== 'off') return;
    throw new LabError('LAB_NODE_OFF', this.name, 'it is off', 'run `kennel lab power-on`');
  }

  async #ready(): Promise<void> {
    const ready = (): boolean => existsSync(join(this.directory, 'ready'));
    await waitUntil(`${this.name} has booted`, ready, { timeoutMs: 20_000 });
  }

  /**
   * The argument vector that runs `argv` in all namespaces of the node and in its control group,
   * so that it freezes and dies with the node.
   *
   * @throws LabError LAB_NODE_OFF when the node is off.
   */
  async command(argv: readonly string[]): Promise<readonly string[]> {
    this.#mustBeOn();
    await this.#ready();
    const init = processInNode(this.group, 1);
    if (init === null) {
      throw new LabError('LAB_NODE_OFF', this.name, 'it just went off', 'run it again');
    }
    const enter = ['nsenter', '--target', String(init.pid)];
    const spaces = ['--mount', '--uts', '--ipc', '--net', '--pid'];
    return inControlGroup(this.group, [...enter, ...spaces, '--', ...argv]);
  }

  services(): readonly string[] {
    return serviceNames(this.directory);
  }

  serviceState(name: string): ServiceState {
    return serviceState(this.directory, this.group, name);
  }

  /** Adds or replaces a service; it starts within moments, and at every boot from now on. */
  addService(service: NodeService): void {
    writeService(this.directory, service);
  }

  /** Allows a service to be started, or keeps it off. A running one ends only by a signal. */
  allowService(name: string, allowed: boolean): void {
    allowService(this.directory, name, allowed);
  }

  /** @returns false when the service does not run at the moment. */
  signalService(name: string, signal: NodeJS.Signals): boolean {
    const process = serviceProcess(this.directory, this.group, name);
    return process !== null && signalProcess(process, signal);
  }

  /** As the machine beneath counts; null when the service does not run at the moment. */
  servicePid(name: string): number | null {
    return serviceProcess(this.directory, this.group, name)?.pid ?? null;
  }

  serviceLog(name: string): string {
    return join(this.directory, 'log', `${name}.log`);
  }

  status(): LabNodeStatus {
    const networks: readonly LabNetwork[] = ['management', 'storage'];
    return {
      name: this.name,
      address: this.address,
      power: this.power(),
      bootId: this.bootId(),
      cut: networks.filter((network) => existsSync(nodeCutFile(this.directory, network))),
      services: Object.fromEntries(this.services().map((name) => [name, this.serviceState(name)])),
    };
  }
}
