import { z } from 'zod';
import { nameSchema } from './primitives.ts';

/** Rules, policy and snapshots of placement, as they travel and as a dump file holds them. */

const ruleBase = {
  id: nameSchema,
  enabled: z.boolean().default(true),
  vms: z.array(nameSchema).min(1).max(4096),
  strict: z.boolean().default(true),
};

const labelSchema = z.string().min(1).max(63);

const nodesFields = {
  ...ruleBase,
  type: z.literal('nodes'),
  /** Node to priority: the highest that can take a VM is preferred. */
  nodes: z
    .record(nameSchema, z.int().min(-1000).max(1000))
    .refine((nodes) => Object.keys(nodes).length > 0, 'name at least one node'),
  failback: z.boolean().default(true),
};
const vmsFields = { ...ruleBase, type: z.enum(['together', 'apart']) };
const spreadFields = { ...ruleBase, type: z.literal('spread'), label: labelSchema };

export const ruleSchema = z.discriminatedUnion('type', [
  z.strictObject(nodesFields),
  z.strictObject(vmsFields),
  z.strictObject(spreadFields),
]);

const kind = z.literal('rule');

/** A rule as it is stored. */
export const ruleViewSchema = z.discriminatedUnion('type', [
  z.object({ kind, ...nodesFields }),
  z.object({ kind, ...vmsFields }),
  z.object({ kind, ...spreadFields }),
]);

export const placementPolicySchema = z.strictObject({
  failoverCapacity: z
    .strictObject({ failures: z.int().min(1).max(16), by: labelSchema.nullable() })
    .nullable(),
  rebalanceOnStart: z.boolean(),
  enforcement: z.enum(['off', 'automatic']),
  /** What counts as load; room is always counted by what is configured. */
  load: z.enum(['configured', 'measured']),
  selfMoves: z.strictObject({
    settleMs: z
      .int()
      .min(1000)
      .max(24 * 60 * 60_000),
    maxAtOnce: z.int().min(1).max(64),
  }),
  balance: z.strictObject({
    mode: z.enum(['off', 'suggest', 'automatic']),
    threshold: z.number().min(0).max(10),
    holdRounds: z.int().min(1).max(1000),
    minRelativeGain: z.number().min(0).max(1),
    maxMoves: z.int().min(1).max(1000),
  }),
});

/** What plans rest on. A file of it gives the same plans as the cluster it was taken from. */
export const siteSnapshotSchema = z.strictObject({
  format: z.literal('kennel-site/1'),
  nodes: z.array(
    z.strictObject({
      id: z.string(),
      capacity: z.strictObject({ memoryMiB: z.number(), vcpus: z.number() }),
      labels: z.record(z.string(), z.string()),
      closed: z.string().nullable(),
      alive: z.boolean(),
    }),
  ),
  vms: z.array(
    z.strictObject({
      id: z.string(),
      spec: z.strictObject({
        name: z.string(),
        vcpus: z.number(),
        memoryMiB: z.number(),
        priority: z.enum(['high', 'medium', 'low']),
        nodes: z.array(z.string()),
        separateFrom: z.array(z.string()),
      }),
      /** Node that it has a permit for; null = none. */
      node: z.string().nullable(),
      home: z.string().nullable(),
      desired: z.enum(['running', 'stopped', 'disabled', 'ignored']),
      tries: z.strictObject({ failures: z.int(), here: z.int(), nodes: z.array(z.string()) }),
    }),
  ),
  rules: z.array(ruleViewSchema),
  vcpuOvercommit: z.number(),
  policy: placementPolicySchema,
});

export type NewRule = z.infer<typeof ruleSchema>;
export type RuleView = z.infer<typeof ruleViewSchema>;
export type PolicyView = z.infer<typeof placementPolicySchema>;
export type SiteSnapshotView = z.infer<typeof siteSnapshotSchema>;
