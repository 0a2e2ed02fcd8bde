import { z } from 'zod';
import { parseHostPort } from './host-port.ts';
import { nameSchema, uuidSchema } from './primitives.ts';

/** Requests and answers about managers. */

const hostPortSchema = z
  .string()
  .max(262)
  .refine(
    (text) => parseHostPort(text).kind === 'ok',
    'must be host:port, for example 10.0.0.2:7401',
  );

const roleSchema = z.enum(['voter', 'learner', 'witness']);

export const createManagerTokenSchema = z.strictObject({
  /** Manager name the token is good for; null = any. */
  name: nameSchema.nullable(),
  /** The manager that goes once the new one counts; null = none. */
  replaces: nameSchema.nullable(),
  /** It will vote in the store and never lead, and is given no key. */
  isWitness: z.boolean(),
  ttlMs: z
    .int()
    .min(1000)
    .max(24 * 3600_000),
});

export const joinManagerSchema = z.strictObject({
  token: z.string().max(512),
  name: nameSchema,
  api: hostPortSchema,
  sessions: hostPortSchema,
  /** PKCS#10 request, PEM. The private key stays on the new manager. */
  certificateRequest: z.string().max(16_384),
});

export const managerJoinedSchema = z.object({
  clusterId: uuidSchema,
  clusterName: nameSchema,
  profile: z.enum(['fast', 'default', 'conservative']),
  number: z.int().min(1),
  isWitness: z.boolean(),
  certificate: z.string(),
  certificateAuthority: z.string(),
});

/** How the store is reached. Texts of files, since paths of one machine mean nothing on another. */
export const storeAccessSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('etcd'),
    /** `https://HOST:PORT` of every member. */
    endpoints: z.array(z.string().min(1)).min(1),
    serverName: z.string().optional(),
    user: z.string().optional(),
    ca: z.string().optional(),
    certificate: z.string().optional(),
    key: z.string().optional(),
    password: z.string().optional(),
  }),
  z.object({ kind: z.literal('raft') }),
]);

/** Under which number a manager that lost its part of the store begins again. */
export const managerRebuiltSchema = z.object({ number: z.int().min(1) });

/** Everything that makes a manager able to lead. Told to recorded managers only, never logged. */
export const handoverSchema = z.object({
  /** Null for a witness, which needs none of them. */
  secrets: z
    .object({
      authorityKey: z.string(),
      clusterKeys: z.array(z.object({ id: z.string(), key: z.string() })).min(1),
    })
    .nullable(),
  store: storeAccessSchema,
  managers: z.array(
    z.object({ number: z.int(), name: z.string(), api: z.string(), sessions: z.string() }),
  ),
});

export const managerViewSchema = z.object({
  name: z.string(),
  number: z.int(),
  role: roleSchema,
  api: z.string(),
  sessions: z.string(),
  /** True while it answers the manager that was asked. */
  healthy: z.boolean(),
  leads: z.boolean(),
  /** Time since its last answer; null when it was never heard. 0 for the one that was asked. */
  lastSeenMs: z.number().nullable(),
  /** Revisions that its copy of the store is behind; null when it was never heard. */
  behind: z.number().nullable(),
  joinedAt: z.string(),
});

/** By the member's own word; absent for one that cannot be heard. */
const diskHealthSchema = z.object({
  lastSyncMs: z.number(),
  slowestSyncMs: z.number(),
  /** Writes and syncs that failed since it started. */
  writeErrors: z.int(),
  logBytes: z.int(),
});

export const managersViewSchema = z.object({
  leader: z.string().nullable(),
  epoch: z.int(),
  managers: z.array(managerViewSchema),
  store: z.object({
    driver: z.string(),
    hasQuorum: z.boolean(),
    /** Of consensus, where the managers themselves hold it. */
    term: z.int().optional(),
    readOnly: z.string().nullable(),
    /** Slowest of the recent syncs of the asked manager's disk; null where it has none. */
    syncMs: z.number().nullable(),
    members: z.array(
      z.object({
        name: z.string(),
        healthy: z.boolean(),
        role: roleSchema.optional(),
        lagEntries: z.number().optional(),
        disk: diskHealthSchema.optional(),
      }),
    ),
  }),
});

export type CreateManagerToken = z.infer<typeof createManagerTokenSchema>;
export type JoinManager = z.infer<typeof joinManagerSchema>;
export type ManagerJoined = z.infer<typeof managerJoinedSchema>;
export type StoreAccess = z.infer<typeof storeAccessSchema>;
export type ManagerRebuilt = z.infer<typeof managerRebuiltSchema>;
export type Handover = z.infer<typeof handoverSchema>;
export type ManagerView = z.infer<typeof managerViewSchema>;
export type ManagersView = z.infer<typeof managersViewSchema>;
