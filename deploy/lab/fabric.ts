import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inControlGroup } from './control-group.ts';
import { mustRun, runCommand } from './command.ts';
import type { LabBook } from './lab-book.ts';
import type { LabLayout } from './layout.ts';
import {
  bmcAddress,
  managementBridge,
  managerAddress,
  managerNamespace,
  storageAddressOfNode,
  storageBridge,
} from './layout.ts';

/** The two cables of a node. Cutting storage too makes the node's VMs stand still by themselves. */
export type LabNetwork = 'management' | 'storage';

export interface LabPort {
  /** Its end in the fabric; unique in the lab. */
  readonly port: string;
  readonly bridge: string;
  /** Its end in the machine. */
  readonly interface: string;
  /** Fixed, so that no neighbour keeps a stale one over a power cycle. */
  readonly mac: string;
  readonly cidr: string;
  readonly network: LabNetwork;
}

function mac(kind: number, number: number): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return `02:4b:4c:00:${hex(kind)}:${hex(number)}`;
}

export function nodePorts(layout: LabLayout, node: number): readonly LabPort[] {
  return [
    {
      port: `n${node}`,
      bridge: managementBridge,
      interface: 'eth0',
      mac: mac(1, node),
      cidr: `${layout.subnet}.${node}/24`,
      network: 'management',
    },
    {
      port: `n${node}s`,
      bridge: storageBridge,
      interface: 'eth1',
      mac: mac(2, node),
      cidr: `${storageAddressOfNode(layout, node)}/24`,
      network: 'storage',
    },
  ];
}

function managerPort(layout: LabLayout, manager: number): LabPort {
  return {
    port: `m${manager}`,
    bridge: managementBridge,
    interface: 'eth0',
    mac: mac(3, manager),
    cidr: `${managerAddress(layout, manager)}/24`,
    network: 'management',
  };
}

/** Runs a command that makes something inside the lab's tool group, so that it dies with the lab. */
export function toolCommand(book: LabBook, argv: readonly string[]): readonly string[] {
  return inControlGroup(join(book.record().group, 'tool'), argv);
}

async function ensureBridge(book: LabBook, bridge: string, number: number): Promise<void> {
  const fabric = book.layout.fabricNamespace;
  if ((await runCommand(['ip', '-n', fabric, 'link', 'show', bridge])).code !== 0) {
    const address = mac(0, number);
    const add = ['ip', '-n', fabric, 'link', 'add', bridge, 'address', address, 'type', 'bridge'];
    await mustRun(toolCommand(book, add));
  }
  await mustRun(['ip', '-n', fabric, 'link', 'set', bridge, 'up']);
}

async function ensureAddress(book: LabBook, bridge: string, address: string): Promise<void> {
  const fabric = book.layout.fabricNamespace;
  await mustRun(['ip', '-n', fabric, 'addr', 'replace', `${address}/24`, 'dev', bridge]);
}

export function namespaceExists(namespace: string): boolean {
  return existsSync(join('/run/netns', namespace));
}

/** Makes the fabric: its namespace, both bridges and the addresses of storage and BMCs. */
export async function ensureFabric(book: LabBook): Promise<boolean> {
  const { layout } = book;
  const fabric = layout.fabricNamespace;
  const missing = !namespaceExists(fabric);
  if (missing) await mustRun(toolCommand(book, ['ip', 'netns', 'add', fabric]));
  await mustRun(['ip', '-n', fabric, 'link', 'set', 'lo', 'up']);
  await ensureBridge(book, managementBridge, 1);
  await ensureBridge(book, storageBridge, 2);
  await ensureAddress(book, managementBridge, layout.fabricAddress);
  await ensureAddress(book, storageBridge, layout.storageAddress);
  for (let node = 1; node <= book.record().nodes; node += 1) {
    await ensureAddress(book, managementBridge, bmcAddress(layout, node));
  }
  return missing;
}

/** Makes the place of one manager: a network namespace with its own cable and address. */
export async function ensureManagerPlace(book: LabBook, manager: number): Promise<boolean> {
  const { layout } = book;
  const namespace = managerNamespace(layout, manager);
  const missing = !namespaceExists(namespace);
  const port = managerPort(layout, manager);
  const plug = join(import.meta.dirname, 'machine', 'plug.sh');
  const link = existsSync(managerCutFile(layout, manager)) ? 'down' : 'up';
  const cable = [port.port, port.bridge, port.interface, port.mac, port.cidr, link];
  await mustRun(toolCommand(book, [plug, layout.fabricNamespace, namespace, ...cable]));
  return missing;
}

function managerCutFile(layout: LabLayout, manager: number): string {
  return join(layout.directory, `cut-manager-${manager}`);
}

async function setLink(layout: LabLayout, port: string, link: 'up' | 'down'): Promise<void> {
  await mustRun(['ip', '-n', layout.fabricNamespace, 'link', 'set', port, link]);
}

/** The marker file keeps a cut over a power cycle of the node, whose port comes and goes. */
export function nodeCutFile(nodeDirectory: string, network: LabNetwork): string {
  return join(nodeDirectory, `cut-${network}`);
}

function setMarker(path: string, cut: boolean): void {
  if (cut) writeFileSync(path, '');
  else rmSync(path, { force: true });
}

/** Pulls or plugs in the cables of a node. A node that is off gets them so at its next boot. */
export async function setNodeCables(
  layout: LabLayout,
  machine: { readonly node: number; readonly directory: string; readonly on: boolean },
  networks: readonly LabNetwork[],
  link: 'up' | 'down',
): Promise<void> {
  for (const port of nodePorts(layout, machine.node)) {
    if (!networks.includes(port.network)) continue;
    setMarker(nodeCutFile(machine.directory, port.network), link === 'down');
    if (machine.on) await setLink(layout, port.port, link);
  }
}

export async function setManagerCable(
  layout: LabLayout,
  manager: number,
  link: 'up' | 'down',
): Promise<void> {
  setMarker(managerCutFile(layout, manager), link === 'down');
  await setLink(layout, managerPort(layout, manager).port, link);
}

export function managerIsCut(layout: LabLayout, manager: number): boolean {
  return existsSync(managerCutFile(layout, manager));
}
