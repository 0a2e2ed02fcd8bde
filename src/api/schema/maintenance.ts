import { z } from 'zod';

/** Longer than that is no plan but a decision that should be made anew. */
const longestMs = 30 * 24 * 3_600_000;

const evacuation = {
  /** What becomes of a VM that does not go live; `refuse`: nothing is begun unless all can be moved. */
  stuck: z.enum(['restart', 'leave', 'refuse']),
  /** How long VMs are moved; null = until none is left. */
  deadlineMs: z.int().min(1000).max(longestMs).nullable(),
  /** Although VMs have no place, failover no room, or the managers no quorum. */
  force: z.boolean(),
};

/** What is wanted of a node. */
export const maintainNodeSchema = z.discriminatedUnion('want', [
  z.strictObject({ want: z.literal('cordon') }),
  z.strictObject({ want: z.literal('uncordon') }),
  z.strictObject({ want: z.literal('drain'), ...evacuation }),
  z.strictObject({ want: z.literal('maintenance'), ...evacuation }),
  z.strictObject({ want: z.literal('exit') }),
  z.strictObject({
    want: z.enum(['reboot', 'shutdown']),
    /** Null = as the cluster's setting says. */
    policy: z.enum(['conditional', 'freeze', 'failover', 'migrate']).nullable(),
    ...evacuation,
  }),
]);

export const maintenanceViewSchema = z.object({
  node: z.string(),
  cordoned: z.boolean(),
  /** Its heartbeats arrive. */
  isHeard: z.boolean(),
  /** Null = nothing is moved away. */
  evacuation: z
    .object({
      kind: z.enum(['drain', 'maintenance', 'shutdown']),
      stuck: z.enum(['restart', 'leave']),
      since: z.string(),
      deadline: z.string().nullable(),
      by: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable(),
  /** Null = it is to run. */
  downtime: z
    .object({
      kind: z.enum(['reboot', 'shutdown']),
      policy: z.enum(['freeze', 'failover', 'migrate']),
      since: z.string(),
      isAsked: z.boolean(),
    })
    .nullable(),
  /** `empty`: nothing of the cluster runs there; `overdue`: something does, and the time is over. */
  state: z.enum(['emptying', 'empty', 'overdue']),
  /** What is still there, and why. */
  steps: z.array(
    z.object({
      vm: z.string(),
      name: z.string(),
      way: z.enum(['live', 'cold', 'liveOrCold']).nullable(),
      to: z.string().nullable(),
      state: z.enum(['waits', 'moving', 'stays']),
      because: z.string(),
      memoryMiB: z.number(),
      /** How long its copy is taken to last; null = that is up to its guest. */
      estimateMs: z.number().nullable(),
    }),
  ),
  estimateMs: z.number(),
  /** What goes back there when that is over. */
  returning: z.array(z.object({ vm: z.string(), name: z.string(), now: z.string().nullable() })),
});

export type MaintainNode = z.infer<typeof maintainNodeSchema>;
export type MaintenanceView = z.infer<typeof maintenanceViewSchema>;
