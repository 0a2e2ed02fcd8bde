import { nodeId, vmId } from '../../core/model/ids.ts';
import { defaultPlacementPolicy } from '../../core/model/placement-policy.ts';
import { noTries } from '../../core/model/vm.ts';
import type { SiteSnapshot, SnapshotVm } from '../../core/placement/snapshot.ts';
import type { PlacementNode } from '../../core/placement/site-types.ts';
import { usageError } from '../usage.ts';

/**
 * The text format of Ganeti's htools: sections of `|`-separated lines, parted by empty lines: node
 * groups, nodes, instances, cluster tags, policies. Kept as fields, so that what Kennel does not use
 * is written back as it was.
 */
export interface HtoolsText {
  readonly groups: readonly (readonly string[])[];
  readonly nodes: readonly (readonly string[])[];
  readonly instances: readonly (readonly string[])[];
  readonly tags: readonly string[];
  readonly policies: readonly string[];
}

const nodeField = { name: 0, memory: 1, ownMemory: 2, freeMemory: 3, cpus: 6, state: 7, group: 8 };
const vmField = { name: 0, memory: 1, vcpus: 3, state: 4, primary: 6 };

/** States in which an instance is meant to be off. */
const offStates: ReadonlySet<string> = new Set(['ADMIN_down', 'USER_down', 'ADMIN_offline']);

/** Throws `E_USAGE` for text that is not of the format. */
export function parseHtools(text: string): HtoolsText {
  const sections: string[][] = [[]];
  for (const line of text.split('\n')) {
    if (line === '') sections.push([]);
    else sections.at(-1)?.push(line);
  }
  const fields = (index: number): readonly (readonly string[])[] =>
    (sections[index] ?? []).map((line) => line.split('|'));
  const parsed: HtoolsText = {
    groups: fields(0),
    nodes: fields(1),
    instances: fields(2),
    tags: sections[3] ?? [],
    policies: sections[4] ?? [],
  };
  const isWhole =
    parsed.nodes.length > 0 &&
    parsed.nodes.every((node) => node.length > nodeField.group) &&
    parsed.instances.every((vm) => vm.length > vmField.primary);
  if (isWhole) return parsed;
  throw usageError({
    what: 'the file is not in the text format of htools',
    because: 'it should have sections of groups, nodes and instances, parted by empty lines',
    try: ['hscan, gnt-cluster or kennel plan export --format htools write such files'],
  });
}

export function formatHtools(text: HtoolsText): string {
  const lines = (rows: readonly (readonly string[])[]): string[] =>
    rows.map((row) => row.join('|'));
  const sections = [
    lines(text.groups),
    lines(text.nodes),
    lines(text.instances),
    text.tags,
    text.policies,
  ];
  return `${sections.map((section) => section.join('\n')).join('\n\n')}\n`;
}

/** The site that a file describes: shared storage, a group as the node label `group`. */
export function snapshotOfHtools(text: HtoolsText): SiteSnapshot {
  const groupName = new Map(text.groups.map(([name = '', id = '']) => [id, name]));
  const nodes = text.nodes.map((row): PlacementNode => {
    const group = row[nodeField.group] ?? '';
    const isOffline = row[nodeField.state] === 'Y';
    return {
      id: nodeId(row[nodeField.name] ?? ''),
      capacity: {
        memoryMiB: Math.max(0, number(row, nodeField.memory) - number(row, nodeField.ownMemory)),
        vcpus: number(row, nodeField.cpus),
      },
      labels: { group: groupName.get(group) ?? group },
      closed: isOffline ? 'offline' : null,
      alive: !isOffline,
    };
  });
  const vms = text.instances.map((row): SnapshotVm => {
    const name = row[vmField.name] ?? '';
    const primary = nodeId(row[vmField.primary] ?? '');
    return {
      id: vmId(name),
      spec: {
        name,
        memoryMiB: number(row, vmField.memory),
        vcpus: number(row, vmField.vcpus),
        priority: 'medium',
        nodes: [],
        separateFrom: [],
      },
      node: primary,
      home: primary,
      desired: offStates.has(row[vmField.state] ?? '') ? 'stopped' : 'running',
      tries: noTries,
    };
  });
  return { nodes, vms, rules: [], vcpuOvercommit: 64, policy: defaultPlacementPolicy };
}

/** The same file with instances on other primary nodes, and the free memory that follows. */
export function withPrimaries(
  text: HtoolsText,
  primaryOf: ReadonlyMap<string, string>,
): HtoolsText {
  const moved = new Map<string, number>();
  const add = (node: string, memoryMiB: number): void => {
    moved.set(node, (moved.get(node) ?? 0) + memoryMiB);
  };
  const instances = text.instances.map((row) => {
    const to = primaryOf.get(row[vmField.name] ?? '');
    const from = row[vmField.primary] ?? '';
    if (to === undefined || to === from) return row;
    add(from, number(row, vmField.memory));
    add(to, -number(row, vmField.memory));
    return row.with(vmField.primary, to);
  });
  const nodes = text.nodes.map((row) => {
    const change = moved.get(row[nodeField.name] ?? '');
    if (change === undefined) return row;
    return row.with(nodeField.freeMemory, String(number(row, nodeField.freeMemory) + change));
  });
  return { ...text, nodes, instances };
}

const groupId = '00000000-0000-4000-8000-000000000001';
/** htools wants disks; on shared storage they have no weight in its score. */
const diskMiB = 10_240;
const nodeDiskMiB = 1_048_576;
const policy =
  '128,1,1024,1,1,1|128,1,1024,1,1,1;16777216,1024,16777216,16,64,12|diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext,gluster|64.0|3200.0';

/** A site as htools sees it: one group, shared storage, VMs that wait for a node left out. */
export function htoolsOfSnapshot(snapshot: SiteSnapshot): HtoolsText {
  const used = new Map<string, number>();
  const placed = snapshot.vms.filter((vm) => vm.node !== null);
  for (const { node, spec } of placed) {
    used.set(node ?? '', (used.get(node ?? '') ?? 0) + spec.memoryMiB);
  }
  const master = snapshot.nodes.find((node) => node.alive)?.id;
  return {
    groups: [['kennel', groupId, 'preferred', '', '']],
    nodes: snapshot.nodes.map(({ id, capacity, alive }) => [
      id,
      String(capacity.memoryMiB),
      '0',
      String(Math.max(0, capacity.memoryMiB - (used.get(id) ?? 0))),
      String(nodeDiskMiB),
      String(nodeDiskMiB),
      String(Math.max(1, capacity.vcpus)),
      !alive ? 'Y' : id === master ? 'M' : 'N',
      groupId,
      '1',
      '',
      'N',
      '0',
      '1',
      '1.0',
    ]),
    instances: placed.map(({ spec, node, desired }) => [
      spec.name,
      String(spec.memoryMiB),
      String(diskMiB),
      String(spec.vcpus),
      desired === 'running' ? 'running' : 'ADMIN_down',
      'Y',
      node ?? '',
      '',
      'ext',
      '',
      '1',
      '1',
      'N',
    ]),
    tags: [],
    policies: [`|${policy}`, `kennel|${policy}`],
  };
}

function number(row: readonly string[], field: number): number {
  return Number(row[field] ?? 0);
}
