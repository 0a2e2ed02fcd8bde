import { z } from 'zod';
import { migrationLimitsSchema } from '../requests.ts';
import { conditionsSchema, timeSchema } from './conditions.ts';
import { ruled, type TransitionRule } from './rule.ts';

const { bandwidthMiBs, autoConverge, deadlineMs } = migrationLimitsSchema.shape;

const fields = z.strictObject({
  vmName: z.string().min(1).max(63).describe('A VirtualMachine of the same namespace.'),
  targetHypervisor: z.string().min(1).max(253).optional().describe('Absent: Kennel chooses.'),
  way: z
    .enum(['Live', 'Cold', 'LiveOrCold'])
    .default('Live')
    .describe('Cold: shut down here, started there. LiveOrCold: that only where live fails.'),
  bandwidthMiBs: bandwidthMiBs.unwrap().optional().describe('Absent: as fast as it goes.'),
  autoConverge: autoConverge
    .default(true)
    .describe('Slow down a guest that changes memory faster than it is copied.'),
  deadlineMs: deadlineMs.default(600_000).describe('Then it is called off, and the VM stays.'),
});

export const migrationTransitions: readonly TransitionRule<z.output<typeof fields>>[] = [
  {
    cel: 'self == oldSelf',
    message: 'a move that was asked for is not changed; make another one',
    holds: (before, after) => JSON.stringify(before) === JSON.stringify(after),
  },
];

/** One move of a VM. */
export const migrationSpecSchema = ruled(fields, [], migrationTransitions);

export const migrationStatusSchema = z.strictObject({
  phase: z.enum(['Pending', 'Preparing', 'Running', 'Succeeded', 'Failed']).optional(),
  from: z
    .string()
    .max(253)
    .optional()
    .describe('Who had the VM when the move was to be asked for.'),
  token: z.int().min(0).optional().describe('Of the VM then; it grows with the hand-over.'),
  acceptedAt: timeSchema.optional().describe('When Kennel took it. It is asked for once.'),
  to: z.string().max(253).optional(),
  endedAt: timeSchema.optional(),
  observedGeneration: z.int().min(0).optional(),
  conditions: conditionsSchema.optional(),
});

export type MigrationSpec = z.output<typeof migrationSpecSchema>;
export type MigrationStatus = z.output<typeof migrationStatusSchema>;
