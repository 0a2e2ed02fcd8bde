import { z } from 'zod';
import {
  absolutePathSchema,
  macSchema,
  nameSchema,
  portSchema,
  uuidSchema,
} from '../../api/schema/primitives.ts';
import { defaultLimits } from '../../core/model/vm.ts';
import { parseMemorySize } from '../memory-size.ts';
import { yamlGuestFields } from './yaml-guest.ts';
import { yamlHardwareFields } from './yaml-hardware.ts';

/**
 * The form in which people describe a VM (docs/vm-spec.md). Strict: what is not known is refused,
 * because a mistyped field that is left out in silence shows up only during a failover.
 */

const memory = z.unknown().transform((value, context) => {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') {
    context.addIssue('must be an amount with a unit, for example 512MiB or 4GiB');
    return z.NEVER;
  }
  const parsed = parseMemorySize(text);
  if (parsed.kind === 'ok') return parsed.mib;
  context.addIssue(parsed.because);
  return z.NEVER;
});

const diskSources = ['nbd', 'rbd', 'iscsi', 'sharedFile', 'local'] as const;

const disk = z
  .strictObject({
    nbd: z
      .strictObject({ host: z.string().min(1).max(255), port: portSchema, export: z.string() })
      .optional(),
    rbd: z.strictObject({ pool: z.string().min(1), image: z.string().min(1) }).optional(),
    iscsi: z
      .strictObject({ portal: z.string().min(1), target: z.string().min(1), lun: z.int().min(0) })
      .optional(),
    sharedFile: absolutePathSchema.optional(),
    local: absolutePathSchema.optional(),
    format: z.enum(['raw', 'qcow2']).optional(),
    bus: z.enum(['virtio', 'sata', 'scsi', 'ide']).default('virtio'),
    readOnly: z.boolean().default(false),
  })
  .superRefine((value, context) => {
    const given = diskSources.filter((source) => value[source] !== undefined);
    if (given.length === 1) return;
    const found = given.length === 0 ? 'has none' : `has ${given.join(' and ')}`;
    context.addIssue(`must have exactly one of ${diskSources.join(', ')}; it ${found}`);
  })
  .superRefine((value, context) => {
    const path = value.sharedFile ?? value.local;
    if (value.format !== undefined || path === undefined || !path.endsWith('.qcow2')) return;
    context.addIssue('has no format, and the file is named .qcow2; write format: qcow2 or raw');
  });

const card = z
  .strictObject({
    bridge: z.string().min(1).max(15).optional(),
    network: z.string().min(1).max(255).optional(),
    mac: macSchema.optional(),
    model: z.string().min(1).max(32).default('virtio'),
  })
  .superRefine((value, context) => {
    if ((value.bridge === undefined) !== (value.network === undefined)) return;
    context.addIssue('must have either bridge or network');
  });

const tries = z.int().min(0).max(100);

const limits = z
  .strictObject({
    restarts: tries.default(defaultLimits.restarts),
    relocations: tries.default(defaultLimits.relocations),
  })
  .default(defaultLimits);

export const yamlSpecSchema = z.strictObject({
  name: nameSchema,
  id: uuidSchema.optional(),
  cpus: z.int().min(1).max(1024),
  memory,
  disks: z.array(disk).max(64).default([]),
  interfaces: z.array(card).max(64).default([]),
  priority: z.enum(['high', 'medium', 'low']).default('medium'),
  desired: z.enum(['running', 'stopped', 'disabled', 'ignored']).default('running'),
  separateFrom: z.array(nameSchema).max(256).default([]),
  nodes: z.array(nameSchema).max(1024).default([]),
  limits,
  onEvacuation: z.enum(['migrate', 'restart', 'leave']).optional(),
  consoleLog: absolutePathSchema.optional(),
  emulated: z.boolean().default(false),
  machine: z.string().min(1).max(64).optional(),
  ...yamlGuestFields,
  ...yamlHardwareFields,
});

export type YamlSpec = z.infer<typeof yamlSpecSchema>;

/** Names that people bring along from other tools, and what they are called here. */
export const otherNames: Readonly<Record<string, string>> = {
  uuid: 'id',
  vcpu: 'cpus',
  vcpus: 'cpus',
  cores: 'cpus',
  memoryMiB: 'memory, with a unit: memory: 512MiB',
  ram: 'memory',
  mem: 'memory',
  disk: 'disks',
  volumes: 'disks',
  interface: 'interfaces',
  nics: 'interfaces',
  networks: 'interfaces',
  antiAffinity: 'separateFrom',
  node: 'nodes',
  dependsOn: 'after',
  depends_on: 'after',
  requires: 'after',
  healthCheck: 'guest, with health',
  onCrash: 'guest, with onCrash',
  onShutdown: 'guest, with onShutdown',
  maxRestart: 'limits, with restarts',
  max_restart: 'limits, with restarts',
  maxRelocate: 'limits, with relocations',
  max_relocate: 'limits, with relocations',
  state: 'desired',
  file: 'sharedFile, or local when only one node has it',
  path: 'sharedFile, or local when only one node has it',
  readonly: 'readOnly',
  uefi: 'firmware, with efi',
  efi: 'firmware, with efi',
  bios: 'firmware, with bios',
  hugePages: 'hugepages',
  passthrough: 'hostDevices',
  hostdev: 'hostDevices',
  hostdevs: 'hostDevices',
  vnc: 'graphics, with vnc',
  xml: 'overlay',
};
