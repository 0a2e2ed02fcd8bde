import { z } from 'zod';
import { snapshotWishes } from '../../core/model/vm-snapshot.ts';
import { requestIdSchema } from './request-id.ts';

export const snapshotNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9][\w.-]{0,62}$/, 'up to 63 of A-Z a-z 0-9 _ . -, the first a letter or digit');

export const snapshotVmSchema = z.strictObject({
  wish: z.enum(snapshotWishes),
  snapshot: snapshotNameSchema,
  /** Of `create`: what it is for, for people. */
  note: z.string().max(200).nullable(),
  request: requestIdSchema,
});

export const snapshotViewSchema = z.object({
  name: z.string(),
  by: z.string(),
  at: z.string(),
  /** Where the VM ran then. */
  node: z.string(),
  note: z.string().nullable(),
  /** `unsure`: its node did not say whether it was made, or deleted; deleting it is possible in any case. */
  state: z.enum(['making', 'ready', 'deleting', 'unsure']),
});

export type SnapshotVm = z.infer<typeof snapshotVmSchema>;
export type SnapshotView = z.infer<typeof snapshotViewSchema>;
