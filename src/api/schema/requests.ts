import { z } from 'zod';
import { actionVerbs } from '../../core/model/vm-action.ts';
import { lockKinds } from '../../core/model/vm-lock.ts';
import { nameSchema, textSchema, uuidSchema } from './primitives.ts';
import { requestIdSchema } from './request-id.ts';
import { diskSourceSchema, vmSpecSchema } from './vm-spec.ts';

/** Bodies of mutating requests. Unknown fields are refused. `dryRun` and `force` travel as query. */

const reasonSchema = textSchema.min(1, 'say why, it is kept in the record');

export const createTokenSchema = z.strictObject({
  /** Node name the token is good for; null = any. */
  node: nameSchema.nullable(),
  ttlMs: z
    .int()
    .min(1000)
    .max(7 * 24 * 3600_000),
});

export const tokenCreatedSchema = z.object({
  /** `kjt1.<id>.<secret>.<sha-256 of the CA certificate>`; shown once, kept hashed. */
  token: z.string(),
  expiresAt: z.string(),
});

export const joinSchema = z.strictObject({
  token: z.string().max(512),
  node: nameSchema,
  machineId: z.string().min(1).max(64),
  address: z.string().min(1).max(255),
  /** PKCS#10 request, PEM. The private key stays on the node. */
  certificateRequest: z.string().max(16_384),
});

export const joinedSchema = z.object({
  clusterId: uuidSchema,
  certificate: z.string(),
  certificateAuthority: z.string(),
  /** Session addresses of the managers, `host:port`. */
  managers: z.array(z.string()),
});

export const fenceNodeSchema = z.strictObject({
  reason: reasonSchema,
  /** Fence although a guard forbids it. */
  override: z.boolean(),
});

export const confirmOffSchema = z.strictObject({
  /** The fence operation it speaks of; null = the open one of the node. */
  fence: z.string().max(64).nullable(),
  reason: reasonSchema,
});

export const createVmSchema = z.strictObject({
  /** Null = a new one is made. */
  id: uuidSchema.nullable(),
  spec: vmSpecSchema,
  desired: z.enum(['running', 'stopped', 'disabled', 'ignored']),
  /** Where it is started first, if that node can take it; null = Kennel chooses. */
  node: nameSchema.nullable(),
});

/** Of `stop` and `disable`: both switch a VM off. */
export const stopVmSchema = z.strictObject({
  /** Cut the power at once instead of asking the guest first. */
  force: z.boolean(),
  reason: textSchema.nullable(),
});

export const actOnVmSchema = z.strictObject({
  /** `restart` shuts it down and starts it anew; the others leave its process as it is. */
  verb: z.enum([...actionVerbs, 'restart']),
  request: requestIdSchema,
  /** Of `restart`: cut the power at once instead of asking the guest first. */
  force: z.boolean(),
});

export const editVmSchema = z.strictObject({
  spec: vmSpecSchema,
  /** The spec that the edit was made from: another one by now is a conflict. Null = do not look. */
  before: vmSpecSchema.nullable(),
});

export const renameVmSchema = z.strictObject({ to: nameSchema, request: requestIdSchema });

export const cloneVmSchema = z.strictObject({
  name: nameSchema,
  /** One for each disk that is written to, in their order; they exist already. */
  disks: z.array(diskSourceSchema).max(64),
  desired: z.enum(['running', 'stopped', 'disabled']),
  /** Where it is started first; null = Kennel chooses. */
  node: nameSchema.nullable(),
  request: requestIdSchema,
});

/** Bounds of one live migration. */
export const migrationLimitsSchema = z.strictObject({
  /** Null = as fast as it goes. */
  bandwidthMiBs: z.int().min(1).max(1_000_000).nullable(),
  autoConverge: z.boolean(),
  deadlineMs: z
    .int()
    .min(1000)
    .max(24 * 3600_000),
});

export const lockVmSchema = z.strictObject({
  kind: z.enum(lockKinds),
  /** For people, shown wherever the VM waits for it. */
  reason: z.string().max(200).nullable(),
});

export const moveVmSchema = z.strictObject({
  /** Null = Kennel chooses. */
  to: nameSchema.nullable(),
  /** `cold`: shut down here, started there; `liveOrCold`: that only where live does not work out. */
  way: z.enum(['live', 'cold', 'liveOrCold']),
  limits: migrationLimitsSchema,
  /** Rules about nodes are not asked for `to`; while they are enforced they bring the VM back later. */
  despiteNodeRules: z.boolean().optional(),
});

export const adoptVmSchema = z.strictObject({
  node: nameSchema,
  /** Domain name or UUID on that node. */
  domain: z.string().min(1).max(255),
});

export type CreateToken = z.infer<typeof createTokenSchema>;
export type TokenCreated = z.infer<typeof tokenCreatedSchema>;
export type Join = z.infer<typeof joinSchema>;
export type Joined = z.infer<typeof joinedSchema>;
export type FenceNode = z.infer<typeof fenceNodeSchema>;
export type ConfirmOff = z.infer<typeof confirmOffSchema>;
export type CreateVm = z.infer<typeof createVmSchema>;
export type StopVm = z.infer<typeof stopVmSchema>;
export type ActOnVm = z.infer<typeof actOnVmSchema>;
export type RenameVm = z.infer<typeof renameVmSchema>;
export type CloneVm = z.infer<typeof cloneVmSchema>;
export type EditVm = z.infer<typeof editVmSchema>;
export type LockVm = z.infer<typeof lockVmSchema>;
export type MoveVm = z.infer<typeof moveVmSchema>;
export type AdoptVm = z.infer<typeof adoptVmSchema>;
