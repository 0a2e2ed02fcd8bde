import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { LabError } from './lab-error.ts';

/** Highest numbers; the addresses below leave no room for more. */
export const maxNodes = 99;
export const maxManagers = 9;
export const nbdPort = 10_809;
export const bmcPort = 623;
export const bmcUser = 'admin';

/** A unix socket path holds 107 bytes; the longest one in a lab adds 30 to its directory. */
const maxDirectoryBytes = 75;

export interface LabOptions {
  /** State directory; one lab each. Default: a directory per user. */
  readonly directory?: string | undefined;
  /** First letters of every name the lab makes. */
  readonly prefix?: string | undefined;
  /** First three octets of the management network; storage takes the next third octet. */
  readonly subnet?: string | undefined;
}

/** Everything about a lab that follows from its options alone. */
export interface LabLayout {
  /** Prefix + hash of the directory: labs in different directories never share a name. */
  readonly id: string;
  readonly directory: string;
  readonly prefix: string;
  readonly subnet: string;
  readonly storageSubnet: string;
  readonly fabricNamespace: string;
  readonly fabricAddress: string;
  readonly storageAddress: string;
}

/** What `kennel lab` uses when no `--dir` is given. */
function defaultDirectory(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return runtime === undefined || runtime === ''
    ? join(tmpdir(), `kennel-lab-${userInfo().uid}`)
    : join(runtime, 'kennel-lab');
}

function canonical(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(canonical(parent), basename(absolute));
  }
}

function refuse(what: string, because: string, advice: string): never {
  throw new LabError('LAB_OPTIONS', what, because, advice);
}

/**
 * Derives all names and addresses.
 *
 * @throws LabError LAB_OPTIONS for a directory, prefix or subnet that cannot work.
 */
export function labLayout(options: LabOptions): LabLayout {
  const directory = canonical(options.directory ?? defaultDirectory());
  const prefix = options.prefix ?? 'kl';
  const subnet = options.subnet ?? '10.77.0';
  if (!/^\/[\w./-]+$/.test(directory)) {
    refuse('lab directory', `${directory} holds more than letters, digits and ._-`, 'use --dir');
  }
  if (Buffer.byteLength(directory) > maxDirectoryBytes) {
    refuse(
      'lab directory',
      `${directory} is longer than ${maxDirectoryBytes} bytes, too long for unix sockets`,
      'give a shorter --dir',
    );
  }
  if (!/^[a-z][a-z0-9]{0,5}$/.test(prefix)) {
    refuse('lab prefix', `'${prefix}' is not 1 to 6 letters and digits`, 'for example --prefix kl');
  }
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(subnet)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255) || octets[2] === 255) {
    refuse('lab subnet', `'${subnet}' is not three octets`, 'for example --subnet 10.77.0');
  }
  const storageSubnet = `${octets[0]}.${octets[1]}.${(octets[2] ?? 0) + 1}`;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 5);
  const id = `${prefix}${hash}`;
  return {
    id,
    directory,
    prefix,
    subnet,
    storageSubnet,
    fabricNamespace: `${id}-fab`,
    fabricAddress: `${subnet}.254`,
    storageAddress: `${storageSubnet}.254`,
  };
}

/** The ends of the two networks inside the fabric namespace. */
export const managementBridge = 'br-mgmt';
export const storageBridge = 'br-stor';

export function nodeName(node: number): string {
  return `node-${node}`;
}

export function nodeDirectory(layout: LabLayout, node: number): string {
  return join(layout.directory, 'nodes', String(node));
}

export function nodeNamespace(layout: LabLayout, node: number): string {
  return `${layout.id}-n${node}`;
}

export function nodeAddress(layout: LabLayout, node: number): string {
  return `${layout.subnet}.${node}`;
}

/** Where the agent of a node keeps its data, if there is one. */
export function agentDirectory(layout: LabLayout, node: number): string {
  return join(nodeDirectory(layout, node), 'kennel');
}

export function storageAddressOfNode(layout: LabLayout, node: number): string {
  return `${layout.storageSubnet}.${node}`;
}

export function bmcDirectory(layout: LabLayout, node: number): string {
  return join(layout.directory, 'bmc', String(node));
}

export function bmcAddress(layout: LabLayout, node: number): string {
  return `${layout.subnet}.${100 + node}`;
}

/** Where a manager of a lab keeps its data, if Kennel runs on the lab. */
export function kennelDirectory(layout: LabLayout, manager = 1): string {
  return join(layout.directory, manager === 1 ? 'kennel' : `kennel-${manager}`);
}

/** Where a manager that is a member of the store, or holds it alone, keeps the store. */
export function storeDirectory(layout: LabLayout, manager = 1): string {
  return join(kennelDirectory(layout, manager), 'store');
}

/** The client configuration with which `kennel` reaches the managers from outside the lab. */
export function kennelConfigFile(layout: LabLayout): string {
  return join(kennelDirectory(layout), 'admin', 'outside.yaml');
}

export function managerName(manager: number): string {
  return `manager-${manager}`;
}

export function managerNamespace(layout: LabLayout, manager: number): string {
  return `${layout.id}-m${manager}`;
}

export function managerAddress(layout: LabLayout, manager: number): string {
  return `${layout.subnet}.${200 + manager}`;
}

/** A stable UUID of its own for each (lab, thing), so that nothing changes from boot to boot. */
export function derivedUuid(layout: LabLayout, thing: string): string {
  const hex = createHash('sha256').update(`${layout.id} ${thing}`).digest('hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4] ?? '8';
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join('-');
}
