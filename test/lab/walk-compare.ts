import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { virsh } from '../../deploy/lab/virsh.ts';
import type { StatusView, VmView } from '../../src/api/schema/views.ts';

/** A domain as `virsh list --all` of one node tells it. */
export interface ListedDomain {
  readonly node: string;
  readonly name: string;
  readonly state: string;
}

/** Reads the table of `virsh -q list --all`: id, name, state; the state may have blanks. */
export function parseList(node: string, table: string): readonly ListedDomain[] {
  return table.split('\n').flatMap((line) => {
    const match = /^\s*(?:-|\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    return match === null ? [] : [{ node, name: match[1] ?? '', state: match[2] ?? '' }];
  });
}

/** What libvirt says of all nodes that are on. Throws when one does not answer. */
export async function listAll(site: WatchedCluster): Promise<readonly ListedDomain[]> {
  const lists = site.lab.nodes().map(async (machine) => {
    if (machine.power() !== 'on') return [];
    const listed = await virsh(machine.libvirtSocket, ['list', '--all']);
    if (listed.code !== 0) throw new Error(`virsh of ${machine.name}: ${listed.stderr}`);
    return parseList(machine.name, listed.stdout);
  });
  return (await Promise.all(lists)).flat();
}

const active: ReadonlySet<string> = new Set(['running', 'paused', 'in shutdown', 'idle']);

/**
 * How what libvirt says differs from what Kennel says; empty = they agree. A VM with an owner is there,
 * in the state that is told, and nowhere else; one without is nowhere, not even as a definition; and
 * there is no domain that Kennel does not know. VMs whose state is on its way differ.
 */
export function differences(
  { vms }: Pick<StatusView, 'vms'>,
  domains: readonly ListedDomain[],
): readonly string[] {
  const known = new Set(vms.map(({ name }) => name));
  const strangers = domains
    .filter(({ name }) => !known.has(name))
    .map(({ node, name, state }) => `${node} has ${name} (${state}), which Kennel does not know`);
  return [...strangers, ...vms.flatMap((vm) => differencesOf(vm, domains))];
}

function differencesOf(vm: VmView, domains: readonly ListedDomain[]): readonly string[] {
  const found = domains.filter(({ name }) => name === vm.name);
  const seen = found.map(({ node, state }) => `${state} on ${node}`).join(', ') || 'nowhere';
  const told = `${vm.state}${vm.node === null ? '' : ` on ${vm.node}`}`;
  const differs = [`${vm.name} is ${told}, and libvirt has it ${seen}`];
  // What is left to people is told as it is found.
  if (vm.desired === 'ignored') return found.filter(isActive).length > 1 ? differs : [];
  // One that waits for its turn, or for a paused guest to go on, changes nothing yet.
  if (vm.action !== null || (vm.move !== null && vm.move.phase !== null)) return differs;
  if (vm.state === 'stopped') return found.length === 0 ? [] : differs;
  if (vm.state !== 'running' && vm.state !== 'paused') return differs;
  const isThere = found.length === 1 && found[0]?.node === vm.node && found[0].state === vm.state;
  return isThere ? [] : differs;
}

const isActive = ({ state }: ListedDomain): boolean => active.has(state);

/** More than one node runs a VM: that is so at no instant, whatever is under way. */
export function doubles(domains: readonly ListedDomain[]): readonly string[] {
  const nodes = new Map<string, string[]>();
  for (const domain of domains.filter(isActive)) {
    nodes.set(domain.name, [...(nodes.get(domain.name) ?? []), `${domain.node} (${domain.state})`]);
  }
  return [...nodes]
    .filter(([, where]) => where.length > 1)
    .map(([name, where]) => `${name} is active on ${where.join(' and ')}`);
}
