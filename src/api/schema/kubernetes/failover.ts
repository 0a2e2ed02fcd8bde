import { z } from 'zod';
import { timeSchema } from './conditions.ts';
import { ruled } from './rule.ts';

const fields = z.strictObject({
  clusterId: z.string().max(63),
  hypervisor: z.string().max(253),
  fence: z.string().max(64).describe('The fence operation that proves the hypervisor off.'),
  detectedAt: timeSchema,
});

/** What a failover is of; it never changes. */
export const failoverSpecSchema = ruled(
  fields,
  [],
  [
    {
      cel: 'self == oldSelf',
      message: 'a record of what happened is not changed',
      holds: (before, after) => JSON.stringify(before) === JSON.stringify(after),
    },
  ],
);

/** How it went. Written by the operator alone, from the record that Kennel keeps. */
export const failoverStatusSchema = z.strictObject({
  phase: z.enum(['Open', 'Cancelled', 'Completed']).optional(),
  proof: z.enum(['PowerOff', 'NewBoot', 'SelfFence', 'Kdump', 'StorageCut', 'Attested']).optional(),
  timeline: z
    .array(
      z.strictObject({
        step: z.enum(['LastSeen', 'Detected', 'Intent', 'Off', 'Proven', 'Closed']),
        at: timeSchema,
      }),
    )
    .max(6)
    .optional(),
  vms: z
    .array(
      z.strictObject({
        name: z.string().max(63),
        from: z.string().max(253),
        to: z.string().max(253).optional(),
        startedAt: timeSchema.optional(),
        failure: z.string().max(4096).optional(),
      }),
    )
    .max(10_000)
    .optional(),
  vmsTotal: z.int().min(0).optional(),
  vmsRecovered: z.int().min(0).optional(),
  durationMs: z.int().min(0).optional(),
  hash: z
    .string()
    .max(128)
    .optional()
    .describe('Of the record, as kennel failover verify knows it.'),
});

export type FailoverSpec = z.output<typeof failoverSpecSchema>;
export type FailoverStatus = z.output<typeof failoverStatusSchema>;
