import { z } from 'zod';
import { absolutePathSchema, macSchema, nameSchema, portSchema } from './primitives.ts';
import { guestPolicySchema, vmDependencySchema } from './vm-guest.ts';
import { vmHardwareSchema } from './vm-hardware.ts';

export const diskSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('nbd'),
    host: z.string().min(1).max(255),
    port: portSchema,
    export: z.string().max(255),
  }),
  z.strictObject({
    kind: z.literal('rbd'),
    pool: z.string().min(1).max(255),
    image: z.string().min(1).max(255),
  }),
  z.strictObject({
    kind: z.literal('iscsi'),
    portal: z.string().min(1).max(255),
    target: z.string().min(1).max(255),
    lun: z.int().min(0),
  }),
  z.strictObject({ kind: z.literal('sharedFile'), path: absolutePathSchema }),
  z.strictObject({ kind: z.literal('local'), path: absolutePathSchema }),
]);

export const vmDiskSchema = z.strictObject({
  source: diskSourceSchema,
  format: z.enum(['raw', 'qcow2']),
  bus: z.enum(['virtio', 'sata', 'scsi', 'ide']),
  readOnly: z.boolean(),
});

export const vmInterfaceSchema = z.strictObject({
  mac: macSchema,
  attach: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('bridge'), bridge: z.string().min(1).max(15) }),
    z.strictObject({ kind: z.literal('network'), network: z.string().min(1).max(255) }),
  ]),
  model: z.string().min(1).max(32),
});

export const vmLimitsSchema = z.strictObject({
  /** Further tries on the same node when a start fails, or a VM ends by itself. */
  restarts: z.int().min(0).max(100),
  /** Further nodes after those tries. */
  relocations: z.int().min(0).max(100),
});

/** The stored and transmitted form of a VM's spec (`VmSpec` of the core). */
export const vmSpecSchema = z
  .strictObject({
    name: nameSchema,
    vcpus: z.int().min(1).max(1024),
    memoryMiB: z
      .int()
      .min(1)
      .max(64 * 1024 * 1024),
    disks: z.array(vmDiskSchema).max(64),
    interfaces: z.array(vmInterfaceSchema).max(64),
    priority: z.enum(['high', 'medium', 'low']),
    definition: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('typed'),
        machine: z.string().max(64).nullable(),
        emulated: z.boolean(),
        hardware: vmHardwareSchema.optional(),
      }),
      z.strictObject({ kind: z.literal('xml'), xml: z.string().max(1024 * 1024) }),
    ]),
    consoleLog: absolutePathSchema.nullable(),
    separateFrom: z.array(nameSchema).max(256),
    nodes: z.array(nameSchema).max(1024),
    limits: vmLimitsSchema,
    onEvacuation: z.enum(['migrate', 'restart', 'leave']).optional(),
    after: z.array(vmDependencySchema).max(64).readonly().optional(),
    guest: guestPolicySchema.optional(),
    /** How rules and balance may move it; absent = live, and back where its rule prefers. */
    selfMoves: z
      .strictObject({
        way: z.enum(['live', 'cold', 'liveOrCold', 'never']),
        failback: z.boolean(),
      })
      .optional(),
  })
  .superRefine(({ vcpus, definition }, context) => {
    const topology = definition.kind === 'typed' ? definition.hardware?.cpu?.topology : null;
    if (topology === null || topology === undefined) return;
    const { sockets, cores, threads } = topology;
    if (sockets * cores * threads === vcpus) return;
    context.addIssue({
      code: 'custom',
      path: ['definition', 'hardware', 'cpu', 'topology'],
      message: `${sockets} sockets with ${cores} cores of ${threads} threads are ${sockets * cores * threads} CPUs, not ${vcpus}`,
    });
  });
