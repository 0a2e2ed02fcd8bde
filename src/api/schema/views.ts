import { z } from 'zod';
import { vmStates } from '../../core/model/vm.ts';
import { askedVerbs, calledVerbs } from '../../core/model/vm-action.ts';
import { lockKinds } from '../../core/model/vm-lock.ts';
import { budgetViewSchema, fenceDeviceViewSchema, fenceGradeSchema } from './fencing.ts';
import { managerViewSchema } from './managers.ts';
import { permitSchema } from './session.ts';
import { snapshotViewSchema } from './snapshot.ts';
import { vmSpecSchema } from './vm-spec.ts';

/** What the API answers. Times are ISO wall-clock for people; ages are in ms. */

const nodeStateSchema = z.enum([
  'joining',
  'online',
  'suspect',
  'fencing',
  'blocked',
  'fenced',
  'quarantined',
]);

const vmStateSchema = z.enum(vmStates);

/** One thing that is wrong, with the command that fixes it. */
export const findingSchema = z.object({
  code: z.string(),
  severity: z.enum(['warning', 'critical']),
  /** Node or VM it is about; empty for the cluster. */
  subject: z.string(),
  text: z.string(),
  try: z.array(z.string()),
});

const proofSchema = z.looseObject({
  kind: z.enum(['powerOff', 'newBoot', 'selfFence', 'kdump', 'storageCut', 'attested']),
});

export const fenceViewSchema = z.object({
  id: z.string(),
  node: z.string(),
  /** The boot that is to be proven over. */
  bootId: z.string(),
  phase: z.enum(['intent', 'acting', 'proven', 'cancelled', 'closed']),
  requestedBy: z.string(),
  /** The level that is tried, counted from 1. */
  level: z.int(),
  proof: proofSchema.nullable(),
  attempts: z.array(z.looseObject({ device: z.string(), action: z.string(), outcome: z.string() })),
  lastReadings: z.array(
    z.object({
      device: z.string(),
      power: z.string(),
      ageMs: z.number(),
      error: z.string().nullable(),
    }),
  ),
  /** What is awaited and which command would supply it. */
  awaiting: z.array(z.string()),
});

export const nodeViewSchema = z.object({
  name: z.string(),
  state: nodeStateSchema,
  address: z.string(),
  labels: z.record(z.string(), z.string()),
  cordoned: z.boolean(),
  maintenance: z.boolean(),
  draining: z.boolean(),
  isolation: z.enum(['holding', 'selfFencing']).nullable(),
  /** What its agent attests of the watchdog that it relies on; null = it relies on none. */
  watchdog: z
    .object({
      identity: z.string(),
      strength: z.enum(['strong', 'weak']),
      timeoutMs: z.number(),
      measuredMs: z.number().nullable(),
      nowayout: z.boolean(),
      pretimeoutMs: z.number(),
      held: z.boolean(),
    })
    .nullable(),
  /** By how many nodes, itself included, it may be held without a lease, and whether it is; null = by none. */
  peerHold: z.object({ members: z.int(), held: z.boolean() }).nullable(),
  incarnation: z.string().nullable(),
  bootId: z.string().nullable(),
  /** Time since the last heartbeat; null when never heard. */
  lastSeenMs: z.number().nullable(),
  /** Remaining lease as the leader computes it; null when it has none, or none that is known. */
  leaseMs: z.number().nullable(),
  /** False when a follower answers: only the leader knows what it granted. */
  leaseIsKnown: z.boolean(),
  hypervisor: z.enum(['ok', 'unreachable', 'unknown']),
  capacity: z.object({ memoryMiB: z.number(), vcpus: z.number() }),
  used: z.object({ memoryMiB: z.number(), vcpus: z.number() }),
  vms: z.int(),
  /** Proof kinds this node can give, for example `power`. Empty = its VMs are unprotected. */
  readiness: z.array(z.string()),
  fenceGrade: fenceGradeSchema,
  fenceDevices: z.array(fenceDeviceViewSchema),
  /** What its recovery may take. */
  budget: budgetViewSchema,
  fence: fenceViewSchema.nullable(),
});

export const vmViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: vmStateSchema,
  desired: z.enum(['running', 'stopped', 'disabled', 'ignored']),
  node: z.string().nullable(),
  priority: z.enum(['high', 'medium', 'low']),
  permit: permitSchema.nullable(),
  memoryMiB: z.number(),
  vcpus: z.number(),
  /**
   * What its start used of late: CPUs kept busy, and memory of the host. Null: it does not run, or its
   * node has not measured it yet.
   */
  usage: z.object({ cpus: z.number(), memoryMiB: z.number() }).nullable(),
  /** Where else it is to run; null = it stays. */
  move: z
    .object({
      from: z.string(),
      to: z.string().nullable(),
      way: z.enum(['live', 'cold', 'liveOrCold']),
      /** Of the live migration that is under way; null = it waits, or goes by a stop and a start. */
      phase: z.enum(['preparing', 'moving', 'cancelling', 'ending']).nullable(),
      /** Why it moves though nobody asked for it; null = a person did. */
      cause: z
        .enum(['drain', 'maintenance', 'return', 'rule', 'failback', 'group', 'balance'])
        .nullable(),
    })
    .nullable(),
  /** It is not started and not moved until it is unlocked; null = it is not locked. */
  lock: z
    .object({
      kind: z.enum(lockKinds),
      by: z.string(),
      at: z.string(),
      reason: z.string().nullable(),
      /** Where it ran then. */
      node: z.string().nullable(),
    })
    .nullable(),
  /** What its owner was asked to do to its guest and has not answered yet; null = nothing. */
  action: z
    .object({
      verb: z.enum(askedVerbs),
      snapshot: z.string().optional(),
      request: z.string(),
      by: z.string(),
    })
    .nullable(),
  /** What became of the last such calls, oldest first. */
  acted: z.array(
    z.object({
      request: z.string(),
      verb: z.enum(calledVerbs),
      /** The one that it was about; absent: none. */
      snapshot: z.string().optional(),
      by: z.string(),
      at: z.string(),
      /** `unknown`: it may have worked, or not, and will not any more. */
      outcome: z.enum(['done', 'failed', 'unknown']),
      detail: z.string().nullable(),
    }),
  ),
  /** Oldest first; absent: it has none. */
  snapshots: z.array(snapshotViewSchema).optional(),
  /** Why it is in this state; null when there is nothing to say. */
  reason: z.string().nullable(),
  /** How what is asked of its guest stands since its start, by check; absent: nothing is. */
  checks: z.record(z.string(), z.enum(['pending', 'passing', 'ill'])).optional(),
  /** An edit that takes effect once the VM is stopped or restarted; null = none waits. */
  staged: vmSpecSchema.nullable(),
  /** False when its node has no way to be proven dead. */
  isProtected: z.boolean(),
  spec: vmSpecSchema,
});

/** What an edit comes to: which fields hold at once, and which after the next stop or restart. */
export const vmEditedSchema = z.object({
  vm: vmViewSchema,
  now: z.array(z.string()),
  nextStart: z.array(z.string()),
});

export const statusViewSchema = z.object({
  clusterId: z.string(),
  clusterName: z.string(),
  health: z.enum(['healthy', 'degraded', 'noQuorum']),
  leader: z.string().nullable(),
  epoch: z.int(),
  revision: z.int(),
  profile: z.string(),
  /** vCPUs that may be promised per physical CPU. */
  vcpuOvercommit: z.number(),
  /** The manager that answered: what it saw of nodes is its own, whoever leads. */
  answeredBy: z.string(),
  /** How long ago it is certain that nothing newer was committed, in ms; 0 = confirmed just now. */
  ageMs: z.number(),
  managers: z.array(managerViewSchema),
  findings: z.array(findingSchema),
  nodes: z.array(nodeViewSchema),
  vms: z.array(vmViewSchema),
});

export const eventViewSchema = z.object({
  /** Position in the history; grows. Give the last one seen to continue. */
  sequence: z.int(),
  code: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  node: z.string().nullable(),
  vm: z.string().nullable(),
  text: z.string(),
  /** Who asked for it, and why; null = nobody did. */
  by: z.string().nullable(),
  reason: z.string().nullable(),
  at: z.string(),
});

export const failoverViewSchema = z.object({
  id: z.string(),
  node: z.string(),
  fence: z.string(),
  lastSeenAt: z.string().nullable(),
  detectedAt: z.string(),
  intentAt: z.string().nullable(),
  firstOffAt: z.string().nullable(),
  provenAt: z.string().nullable(),
  proof: proofSchema.nullable(),
  vms: z.array(
    z.object({
      vm: z.string(),
      name: z.string(),
      from: z.string(),
      to: z.string().nullable(),
      placement: z.string().nullable(),
      placedAt: z.string().nullable(),
      startedAt: z.string().nullable(),
      failure: z.string().nullable(),
    }),
  ),
  outcome: z.enum(['open', 'cancelled', 'completed']),
  closedAt: z.string().nullable(),
  hash: z.string().nullable(),
  previousHash: z.string().nullable(),
});

export const explanationViewSchema = z.object({
  topic: z.string(),
  /** What is so, in sentences. */
  facts: z.array(z.string()),
  /** What is awaited, if anything. */
  awaiting: z.array(z.string()),
  /** Commands that would resolve it. */
  try: z.array(z.string()),
});

/** The chain of events that led to a VM's place, oldest first. */
export const whyViewSchema = z.object({
  vm: z.string(),
  node: z.string().nullable(),
  steps: z.array(
    z.object({
      at: z.string(),
      what: z.string(),
      by: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  ),
  /** Earlier steps that are not told here. */
  left: z.int(),
  /** What is so, in sentences. */
  now: z.array(z.string()),
});

export const problemViewSchema = z.object({
  code: z.string(),
  what: z.string(),
  because: z.string(),
  so: z.string(),
  try: z.array(z.string()),
});

export type Finding = z.infer<typeof findingSchema>;
export type FenceView = z.infer<typeof fenceViewSchema>;
export type NodeView = z.infer<typeof nodeViewSchema>;
export type VmView = z.infer<typeof vmViewSchema>;
export type StatusView = z.infer<typeof statusViewSchema>;
export type EventView = z.infer<typeof eventViewSchema>;
export type FailoverView = z.infer<typeof failoverViewSchema>;
export type VmEditedView = z.infer<typeof vmEditedSchema>;
export type WhyView = z.infer<typeof whyViewSchema>;
export type ExplanationView = z.infer<typeof explanationViewSchema>;
