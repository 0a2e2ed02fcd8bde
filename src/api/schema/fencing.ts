import { z } from 'zod';
import { nameSchema } from './primitives.ts';

/** Fence devices: how they are added, tested and drilled, and what is said of them. Times in ms. */

/** Kinds of fence device that there are drivers for, for help and completion. */
export const fenceDriverKinds = ['ipmi', 'redfish', 'fence-agent'] as const;

const settingsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const millisecondsSchema = z.int().min(0).max(3_600_000);

export const addFenceDeviceSchema = z.strictObject({
  /** Within the node: `bmc` is `node-1/bmc` to everybody else. */
  id: nameSchema,
  /** 1 = tried first. */
  level: z.int().min(1).max(8),
  driver: z.string().min(1).max(64),
  settings: settingsSchema,
  secrets: z.record(z.string(), z.string().max(4096)),
  settleMs: z.int().min(100).max(600_000),
  /** Time for all of the level to be read Off; null = as it is, 45 s for a new one. */
  budgetMs: millisecondsSchema.nullable(),
  /** How long the level is only read before it is told; null = as it is, 0 for a new one. */
  delayMs: millisecondsSchema.nullable(),
});

/** Whether a level can prove the node off: all of them, some, none, or there is no device. */
export const fenceGradeSchema = z.enum(['ready', 'degraded', 'failing', 'none']);

const checkErrorSchema = z.object({ code: z.string(), detail: z.string() });

export const fenceDeviceViewSchema = z.object({
  id: z.string(),
  level: z.int(),
  driver: z.string(),
  settings: settingsSchema,
  identity: z.string().nullable(),
  /** What it switches. */
  outlet: z.string(),
  settleMs: z.number(),
  /** What is wrong with it, as its last checks said; null = nothing. */
  error: checkErrorSchema.nullable(),
  /** Since when; null = since it was added. */
  errorSince: z.string().nullable(),
  /** The last check by the leader that answers; null = none yet, or another manager answers. */
  lastCheck: z.object({ ageMs: z.number(), latencyMs: z.number(), power: z.string() }).nullable(),
  /** What the last drill measured; null = it was never drilled. */
  drill: z.object({ at: z.string(), silenceMs: z.number() }).nullable(),
});

/** Worst-case times of recovery, from the configuration alone. */
export const budgetViewSchema = z.object({
  detectMs: z.number(),
  levels: z.array(
    z.object({
      level: z.int(),
      devices: z.array(z.string()),
      delayMs: z.number(),
      budgetMs: z.number(),
      settleMs: z.number(),
    }),
  ),
  startMs: z.number(),
  /** With a first level that obeys at once; null = nothing can prove the node off. */
  usualMs: z.number().nullable(),
  worstMs: z.number().nullable(),
  /** By its watchdog alone, from its last lease on; null = it does not fence itself. */
  selfFenceMs: z.number().nullable(),
});

export const probeViewSchema = z.object({
  ok: z.boolean(),
  identity: z.string().nullable(),
  power: z.string(),
  learned: settingsSchema,
  warnings: z.array(z.object({ code: z.string(), text: z.string() })),
  latencyMs: z.number(),
});

export const fenceDeviceAddedSchema = probeViewSchema.extend({
  outlet: z.string(),
  /** Of the node with this device. */
  budget: budgetViewSchema,
});

export const testFenceSchema = z.strictObject({
  /** Null = all of the node. */
  device: nameSchema.nullable(),
});

export const deviceTestViewSchema = probeViewSchema.extend({
  device: z.string(),
  error: checkErrorSchema.nullable(),
});

export const drillNodeSchema = z.strictObject({
  /** The level to begin with; 1 = tried first. */
  level: z.int().min(1).max(8),
  /** Although the node runs VMs: they lose power and are recovered. */
  withVms: z.boolean(),
});

export const fenceDriverViewSchema = z.object({
  kind: z.string(),
  summary: z.string(),
  settings: z.array(
    z.object({
      name: z.string(),
      summary: z.string(),
      isRequired: z.boolean(),
      fallback: z.string().nullable(),
    }),
  ),
  secrets: z.array(z.string()),
  takesFurtherSecrets: z.boolean(),
});

export type AddFenceDevice = z.infer<typeof addFenceDeviceSchema>;
export type FenceDeviceView = z.infer<typeof fenceDeviceViewSchema>;
export type BudgetView = z.infer<typeof budgetViewSchema>;
export type ProbeView = z.infer<typeof probeViewSchema>;
export type FenceDeviceAdded = z.infer<typeof fenceDeviceAddedSchema>;
export type TestFence = z.infer<typeof testFenceSchema>;
export type DeviceTestView = z.infer<typeof deviceTestViewSchema>;
export type DrillNode = z.infer<typeof drillNodeSchema>;
export type FenceDriverView = z.infer<typeof fenceDriverViewSchema>;
