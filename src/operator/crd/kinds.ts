import type { z } from 'zod';
import { failoverSpecSchema, failoverStatusSchema } from '../../api/schema/kubernetes/failover.ts';
import { hypervisorStatusSchema } from '../../api/schema/kubernetes/hypervisor.ts';
import {
  migrationSpecSchema,
  migrationStatusSchema,
} from '../../api/schema/kubernetes/migration.ts';
import {
  nodeMaintenanceSpecSchema,
  nodeMaintenanceStatusSchema,
} from '../../api/schema/kubernetes/node-maintenance.ts';
import {
  virtualMachineSpecSchema,
  virtualMachineStatusSchema,
} from '../../api/schema/kubernetes/virtual-machine.ts';
import type { Resource } from '../kube/resource.ts';

/** A column of `kubectl get`. `priority` 1 = only with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly path: string;
  readonly priority?: 1;
}

/** A kind of ours, from which its CRD is made. */
export interface Kind extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  /** Null: it has none, it is only seen. */
  readonly spec: z.ZodType | null;
  readonly status: z.ZodType;
  readonly columns: readonly Column[];
  readonly selectable: readonly string[];
  /** The longest name, where names go on into Kennel. */
  readonly longestName: number | null;
}

const ours = { group: 'kennel.dev', version: 'v1alpha1' } as const;
const condition = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;
const age: Column = { name: 'Age', type: 'date', path: '.metadata.creationTimestamp' };

export const virtualMachines: Kind = {
  ...ours,
  plural: 'virtualmachines',
  singular: 'virtualmachine',
  kind: 'VirtualMachine',
  shortNames: ['kvm', 'kvms'],
  isNamespaced: true,
  description: 'A pet VM that Kennel keeps running on one hypervisor at most.',
  spec: virtualMachineSpecSchema,
  status: virtualMachineStatusSchema,
  columns: [
    { name: 'Phase', type: 'string', path: '.status.phase' },
    { name: 'Hypervisor', type: 'string', path: '.status.hypervisor' },
    { name: 'Desired', type: 'string', path: '.spec.desired' },
    { name: 'Ready', type: 'string', path: condition('Ready') },
    { name: 'Protected', type: 'string', path: condition('Protected') },
    { name: 'Token', type: 'integer', path: '.status.token', priority: 1 },
    { name: 'VM', type: 'string', path: '.status.vm', priority: 1 },
    age,
  ],
  selectable: ['.status.hypervisor', '.spec.desired'],
  longestName: 63,
};

export const hypervisors: Kind = {
  ...ours,
  plural: 'hypervisors',
  singular: 'hypervisor',
  kind: 'Hypervisor',
  shortNames: ['hv'],
  isNamespaced: false,
  description: 'A host that runs VMs, as Kennel sees it. Written by the operator.',
  spec: null,
  status: hypervisorStatusSchema,
  columns: [
    { name: 'Phase', type: 'string', path: '.status.phase' },
    { name: 'VMs', type: 'integer', path: '.status.vms' },
    { name: 'CPU', type: 'integer', path: '.status.capacity.vcpus' },
    { name: 'MemMiB', type: 'integer', path: '.status.capacity.memoryMiB' },
    { name: 'Fence', type: 'string', path: '.status.fence' },
    age,
  ],
  selectable: ['.status.phase'],
  longestName: null,
};

export const failovers: Kind = {
  ...ours,
  plural: 'failovers',
  singular: 'failover',
  kind: 'Failover',
  shortNames: ['kfo'],
  isNamespaced: false,
  description: 'One recovery of the VMs of a lost hypervisor. Written by the operator.',
  spec: failoverSpecSchema,
  status: failoverStatusSchema,
  columns: [
    { name: 'Hypervisor', type: 'string', path: '.spec.hypervisor' },
    { name: 'Phase', type: 'string', path: '.status.phase' },
    { name: 'Proof', type: 'string', path: '.status.proof' },
    { name: 'VMs', type: 'integer', path: '.status.vmsTotal' },
    { name: 'Recovered', type: 'integer', path: '.status.vmsRecovered' },
    { name: 'DurationMs', type: 'integer', path: '.status.durationMs' },
    age,
  ],
  selectable: ['.spec.hypervisor'],
  longestName: null,
};

export const migrations: Kind = {
  ...ours,
  plural: 'migrations',
  singular: 'migration',
  kind: 'Migration',
  shortNames: ['kmig'],
  isNamespaced: true,
  description: 'One move of a VM to another hypervisor. Deleting it while it goes on calls it off.',
  spec: migrationSpecSchema,
  status: migrationStatusSchema,
  columns: [
    { name: 'VM', type: 'string', path: '.spec.vmName' },
    { name: 'From', type: 'string', path: '.status.from' },
    { name: 'To', type: 'string', path: '.status.to' },
    { name: 'Phase', type: 'string', path: '.status.phase' },
    age,
  ],
  selectable: ['.spec.vmName', '.status.phase'],
  longestName: null,
};

export const nodeMaintenances: Kind = {
  ...ours,
  plural: 'nodemaintenances',
  singular: 'nodemaintenance',
  kind: 'NodeMaintenance',
  shortNames: ['km'],
  isNamespaced: false,
  description: 'Keeps a hypervisor empty and unfenced for as long as it is there.',
  spec: nodeMaintenanceSpecSchema,
  status: nodeMaintenanceStatusSchema,
  columns: [
    { name: 'Node', type: 'string', path: '.spec.nodeName' },
    { name: 'Phase', type: 'string', path: '.status.phase' },
    { name: 'Progress', type: 'integer', path: '.status.drainProgress' },
    { name: 'Reason', type: 'string', path: '.spec.reason' },
    { name: 'Error', type: 'string', path: '.status.lastError', priority: 1 },
    age,
  ],
  selectable: ['.spec.nodeName', '.status.phase'],
  longestName: null,
};

export const kinds: readonly Kind[] = [
  virtualMachines,
  migrations,
  hypervisors,
  nodeMaintenances,
  failovers,
];
