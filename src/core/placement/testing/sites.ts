import { nodeId, vmId } from '../../model/ids.ts';
import type { NodeRule, PlacementRule, SpreadRule, VmRule } from '../../model/placement-rule.ts';
import { noTries, type VmSpec } from '../../model/vm.ts';
import { specOf } from '../../testing/world.ts';
import { Site } from '../site.ts';
import type { PlacementNode, PlacementVm, Waiting } from '../site-types.ts';

export const vmOf = (
  name: string,
  spec: Partial<VmSpec> = {},
  more: Partial<Pick<PlacementVm, 'home' | 'tries'>> = {},
): PlacementVm => ({
  id: vmId(name),
  spec: specOf(name, spec),
  home: null,
  tries: noTries,
  ...more,
});

export const nodeOf = (
  name: string,
  memoryMiB: number,
  more: Partial<PlacementNode> = {},
): PlacementNode => ({
  id: nodeId(name),
  capacity: { memoryMiB, vcpus: 100 },
  labels: {},
  closed: null,
  alive: true,
  ...more,
});

export const siteOf = (
  nodes: readonly PlacementNode[],
  rules: readonly PlacementRule[] = [],
): Site => new Site({ nodes, rules, vcpuOvercommit: 1 });

export const waitingOf = (vm: PlacementVm, more: Partial<Waiting> = {}): Waiting => ({
  vm,
  lostOn: null,
  anew: false,
  ...more,
});

export const apart = (id: string, vms: readonly string[], strict = true): VmRule => ({
  kind: 'rule',
  type: 'apart',
  id,
  vms,
  strict,
  enabled: true,
});

export const together = (id: string, vms: readonly string[], strict = true): VmRule => ({
  ...apart(id, vms, strict),
  type: 'together',
});

export const onNodes = (
  id: string,
  vms: readonly string[],
  nodes: Readonly<Record<string, number>>,
  strict = true,
): NodeRule => ({
  kind: 'rule',
  type: 'nodes',
  id,
  vms,
  nodes,
  strict,
  enabled: true,
  failback: true,
});

export const spread = (
  id: string,
  vms: readonly string[],
  label: string,
  strict = true,
): SpreadRule => ({ kind: 'rule', type: 'spread', id, vms, label, strict, enabled: true });
