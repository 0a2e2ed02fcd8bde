import { z } from 'zod';
import { conditionsSchema } from './conditions.ts';

const amountSchema = z.strictObject({ vcpus: z.int().min(0), memoryMiB: z.int().min(0) });

/** A node of Kennel as it is seen; `Node` is another thing in Kubernetes. Written by the operator alone. */
export const hypervisorStatusSchema = z.strictObject({
  clusterId: z.string().max(63).optional(),
  phase: z
    .enum(['Joining', 'Online', 'Suspect', 'Fencing', 'Blocked', 'Fenced', 'Quarantined'])
    .optional(),
  address: z.string().max(255).optional(),
  bootId: z.string().max(64).optional(),
  cordoned: z.boolean().optional(),
  maintenance: z.boolean().optional(),
  vms: z.int().min(0).optional(),
  capacity: amountSchema.optional(),
  allocated: amountSchema.optional(),
  fence: z.enum(['Ready', 'Degraded', 'Failing', 'None']).optional(),
  conditions: conditionsSchema.optional(),
});

export type HypervisorStatus = z.output<typeof hypervisorStatusSchema>;
