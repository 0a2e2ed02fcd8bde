import { z } from 'zod';
import { conditionsSchema } from './conditions.ts';
import { ruled, type TransitionRule } from './rule.ts';

/** `90s`, `1h30m`: as Kubernetes writes durations, without fractions. */
const durationPattern = /^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$/;

const fields = z.strictObject({
  nodeName: z
    .string()
    .min(1)
    .max(253)
    .describe('The hypervisor that is emptied. Cannot be changed.'),
  reason: z.string().max(256).optional().describe('Why; it is kept with the events.'),
  evictionTimeout: z
    .string()
    .min(2)
    .max(20)
    .regex(durationPattern, 'must be hours, minutes and seconds, as 1h30m')
    .optional()
    .describe('How long VMs are moved away; absent: until none is left.'),
  policy: z
    .enum(['Restart', 'Leave', 'Refuse'])
    .default('Refuse')
    .describe(
      'Of a VM that does not go live: shut down and started elsewhere, left there, or nothing is begun.',
    ),
});

export const nodeMaintenanceTransitions: readonly TransitionRule<z.output<typeof fields>>[] = [
  {
    cel: 'self.nodeName == oldSelf.nodeName',
    message: 'nodeName is immutable',
    holds: (before, after) => before.nodeName === after.nodeName,
  },
];

/** That a hypervisor is to be empty and left alone for as long as the object is there. */
export const nodeMaintenanceSpecSchema = ruled(fields, [], nodeMaintenanceTransitions);

export const nodeMaintenanceStatusSchema = z.strictObject({
  phase: z
    .enum(['Running', 'Succeeded', 'Failed'])
    .optional()
    .describe(
      'Succeeded: nothing of the cluster runs there. Failed: it was not begun, see lastError.',
    ),
  drainProgress: z.int().min(0).max(100).optional().describe('Share of its VMs that have left.'),
  pendingVms: z
    .array(z.string().max(63))
    .max(10_000)
    .optional()
    .describe('What is still there, by its name in Kennel.'),
  lastError: z.string().max(4096).optional(),
  observedGeneration: z.int().min(0).optional(),
  conditions: conditionsSchema.optional(),
});

export type NodeMaintenanceSpec = z.output<typeof nodeMaintenanceSpecSchema>;
export type NodeMaintenanceStatus = z.output<typeof nodeMaintenanceStatusSchema>;
