import { z } from 'zod';
import { failoverViewSchema } from './views.ts';

/** What the API says of the guards of fencing, and how they are changed. */

const keyPattern = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/;
const valuePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

export const labelNodeSchema = z.strictObject({
  /** New values by key; null takes a label away. */
  labels: z.record(
    z.string().regex(keyPattern, 'must be 1 to 63 of a-z 0-9 . _ / -, for example rack'),
    z.string().regex(valuePattern, 'must be 1 to 63 letters, digits, . _ or -').nullable(),
  ),
});

export const governorViewSchema = z.object({
  /** The incident whose fencing waits; null = none does. */
  hold: z
    .object({
      incident: z.string(),
      nodes: z.array(z.string()),
      because: z.string(),
      common: z.string().nullable(),
      since: z.string(),
    })
    .nullable(),
  released: z.array(z.string()),
  /** Nodes powered off within the window, and how many may be. */
  shot: z.array(z.string()),
  allowedAtOnce: z.int(),
  allowedPerWindow: z.int(),
});

export const settingViewSchema = z.object({
  key: z.string(),
  value: z.number(),
  unit: z.enum(['share', 'count', 'ms', 'word']),
  min: z.number(),
  max: z.number(),
  /** What the value is the number of, counted from 0; null = it is a number. */
  words: z.array(z.string()).nullable(),
  summary: z.string(),
});

export const changeSettingsSchema = z.strictObject({
  settings: z
    .record(z.string().min(1).max(64), z.union([z.number(), z.string().max(64)]))
    .refine((given) => Object.keys(given).length > 0, 'names no setting'),
});

/** Records of failovers with the operations that they rest on, to be verified anywhere. */
export const failoverExportSchema = z.object({
  format: z.literal('kennel-failovers/1'),
  clusterId: z.string(),
  /** Hash of the last sealed record; null = none is. */
  chain: z.string().nullable(),
  records: z.array(
    z.object({
      /** Exactly as it is stored: its hash is over that. */
      failover: z.looseObject({ ...failoverViewSchema.pick({ id: true }).shape }),
      /** Null: the operation is no longer kept. */
      fence: z.looseObject({ id: z.string() }).nullable(),
    }),
  ),
});

export type LabelNode = z.infer<typeof labelNodeSchema>;
export type GovernorView = z.infer<typeof governorViewSchema>;
export type SettingView = z.infer<typeof settingViewSchema>;
export type ChangeSettings = z.infer<typeof changeSettingsSchema>;
export type FailoverExport = z.infer<typeof failoverExportSchema>;
