import { z } from 'zod';
import { uuidSchema } from '../primitives.ts';
import { vmHardwareSchema } from '../vm-hardware.ts';
import { vmDiskSchema, vmInterfaceSchema, vmLimitsSchema, vmSpecSchema } from '../vm-spec.ts';
import { conditionsSchema } from './conditions.ts';
import { kubeForm } from './kube-form.ts';
import { ruled, type Rule, type TransitionRule } from './rule.ts';

/** What the API calls it is made from: the same schemas in the form that is usual in Kubernetes. */
const { vcpus, consoleLog, nodes } = vmSpecSchema.shape;

const memoryPattern = /^[1-9][0-9]{0,7}(Mi|Gi|Ti)$/;

const fields = z.strictObject({
  uuid: uuidSchema
    .optional()
    .describe('UUID of the domain. Absent: the uid of this object. Cannot be changed.'),
  desired: z
    .enum(['Running', 'Stopped', 'Disabled', 'Ignored'])
    .default('Running')
    .describe(
      'Stopped is still given another home off a dead hypervisor, Disabled is not touched.',
    ),
  priority: z.enum(['High', 'Medium', 'Low']).default('Medium').describe('Who is recovered first.'),
  vcpus: vcpus.default(1),
  memory: z
    .string()
    .max(20)
    .regex(memoryPattern, 'must be a whole number of Mi, Gi or Ti')
    .describe('Memory of the guest: a whole number of Mi, Gi or Ti.'),
  disks: kubeForm(z.array(vmDiskSchema).max(64)).describe('Disks, in the order of their targets.'),
  interfaces: kubeForm(z.array(vmInterfaceSchema).max(64)).describe('Network cards.'),
  machine: z.string().max(64).optional().describe("Machine type of QEMU; absent: libvirt's own."),
  emulated: z.boolean().default(false).describe('Run without KVM; slow, for tests.'),
  hardware: (kubeForm(vmHardwareSchema) as z.ZodObject)
    .partial()
    .optional()
    .describe('Processor, firmware, clock, watchdog and further devices; absent: a plain machine.'),
  consoleLog: kubeForm(consoleLog).describe('File on the hypervisor for the serial console.'),
  hypervisors: kubeForm(nodes).describe('Where it may run; empty: anywhere.'),
  limits: kubeForm(vmLimitsSchema)
    .optional()
    .describe('How often it is tried again before it counts as failed.'),
});

interface Machine {
  readonly desired: string;
  readonly vcpus: number;
  readonly disks: readonly { readonly source: Readonly<Record<string, unknown>> }[];
  readonly hardware?: { readonly cpu?: { readonly topology?: Topology } };
}
interface Topology {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

const topologyPath = 'self.hardware.cpu.topology';

const specRules: readonly Rule<Machine>[] = [
  {
    cel: "self.desired == 'Ignored' || self.disks.all(d, !has(d.source.local))",
    message: 'a VM with a disk of one hypervisor cannot fail over; set desired to Ignored',
    holds: ({ desired, disks }) =>
      desired === 'Ignored' || disks.every((disk) => disk.source['local'] === undefined),
  },
  {
    cel: `!has(self.hardware) || !has(self.hardware.cpu) || !has(${topologyPath}) || ${topologyPath}.sockets * ${topologyPath}.cores * ${topologyPath}.threads == self.vcpus`,
    message: 'sockets, cores and threads must multiply to vcpus',
    holds: ({ vcpus: wanted, hardware }) => {
      const topology = hardware?.cpu?.topology;
      return (
        topology === undefined || topology.sockets * topology.cores * topology.threads === wanted
      );
    },
  },
];

export const specTransitions: readonly TransitionRule<{ readonly uuid?: string | undefined }>[] = [
  {
    cel: '!has(oldSelf.uuid) || (has(self.uuid) && self.uuid == oldSelf.uuid)',
    message: 'uuid is immutable once set',
    holds: (before, after) => before.uuid === undefined || before.uuid === after.uuid,
  },
];

export const virtualMachineSpecSchema = ruled(
  fields,
  specRules as unknown as readonly Rule<z.output<typeof fields>>[],
  specTransitions,
).describe('What the VM should be.');

const statusFields = z.strictObject({
  clusterId: z
    .string()
    .max(63)
    .optional()
    .describe('The cluster of Kennel that epoch and token are of.'),
  vm: z.string().max(63).optional().describe('Name of the VM in Kennel.'),
  uuid: z.string().max(36).optional(),
  phase: z
    .enum([
      'Stopped',
      'Starting',
      'Running',
      'Paused',
      'Stopping',
      'Migrating',
      'WaitingProof',
      'Recovering',
      'Backoff',
      'Failed',
      'Unknown',
    ])
    .optional(),
  hypervisor: z.string().max(253).optional().describe('Who may run it now.'),
  epoch: z.int().min(0).optional().describe('The leadership that was asked.'),
  token: z.int().min(0).optional().describe('Grows with every change of the hypervisor.'),
  observedGeneration: z.int().min(0).optional(),
  conditions: conditionsSchema.optional(),
});

type Status = z.output<typeof statusFields>;

const sameCluster = 'has(self.clusterId) && self.clusterId == oldSelf.clusterId';
const neverBack = (field: string): string =>
  `(!has(oldSelf.${field}) || (has(self.${field}) && self.${field} >= oldSelf.${field}))`;
const isAhead = (before: number | undefined, after: number | undefined): boolean =>
  before === undefined || (after !== undefined && after >= before);

/** Counters belong to a cluster: one that was made anew begins again. */
export const statusTransitions: readonly TransitionRule<Status>[] = [
  {
    cel: '!has(oldSelf.clusterId) || has(self.clusterId)',
    message: 'clusterId cannot be removed once written',
    holds: (before, after) => before.clusterId === undefined || after.clusterId !== undefined,
  },
  {
    cel: `!has(oldSelf.clusterId) || !(${sameCluster}) || (${neverBack('epoch')} && ${neverBack('token')})`,
    message: 'epoch and token never go back within one cluster',
    holds: (before, after) =>
      before.clusterId === undefined ||
      before.clusterId !== after.clusterId ||
      (isAhead(before.epoch, after.epoch) && isAhead(before.token, after.token)),
  },
];

export const virtualMachineStatusSchema = ruled(statusFields, [], statusTransitions);

export type VirtualMachineSpec = z.output<typeof virtualMachineSpecSchema>;
export type VirtualMachineStatus = Status;
