import { z } from 'zod';
import { askedVerbs } from '../../core/model/vm-action.ts';
import { holdListSchema, reportedHoldSchema } from './peer-hold.ts';
import { nameSchema, textSchema, uuidSchema } from './primitives.ts';
import { snapshotNameSchema } from './snapshot.ts';
import {
  streamClosedSchema,
  streamCloseSchema,
  streamCreditSchema,
  streamInputSchema,
  streamOpenedSchema,
  streamOutputSchema,
  streamRequestSchema,
} from './guest-stream.ts';
import { guestCheckSchema } from './vm-guest.ts';
import { vmSpecSchema } from './vm-spec.ts';

/**
 * The wire between an agent and a manager: JSON messages on one mutually authenticated channel
 * that the agent dials. Version 1. Unknown fields are ignored, so that managers and agents of
 * neighbouring versions understand each other; unknown kinds end the session with a reason.
 */
export const sessionProtocolVersion = 1;

/** More other agents than any agent is asked to probe. */
export const maxSightings = 64;

const incarnationIdSchema = z.string().min(1).max(128);
const operationIdSchema = z.string().min(1).max(128);
const epochSchema = z.int().min(0);
const tokenSchema = z.int().min(0);

export const permitSchema = z.object({
  vm: uuidSchema,
  node: nameSchema,
  incarnation: incarnationIdSchema,
  token: tokenSchema,
});

const incarnationSchema = z.object({
  id: incarnationIdSchema,
  bootId: uuidSchema,
  /** Holding until a report says that the watchdog has this incarnation's token. */
  isolation: z.literal('holding'),
});

export const domainReportSchema = z.object({
  vm: uuidSchema,
  name: z.string().max(255),
  active: z.boolean(),
  state: z.enum(['running', 'paused', 'shuttingDown', 'shutOff', 'crashed', 'other']),
  reason: z.string().max(64),
  permit: permitSchema.nullable(),
  /** How what the leader wants asked of it stands since its start, by check. Absent: nothing is. */
  checks: z.record(z.string().max(2048), z.enum(['pending', 'passing', 'ill'])).optional(),
});

const capacitySchema = z.object({ memoryMiB: z.int().min(0), vcpus: z.int().min(0) });

const watchdogSchema = z.object({
  identity: z.string().max(64),
  strength: z.enum(['strong', 'weak']),
  timeoutMs: z.int().min(0),
  measuredMs: z.int().min(0).nullable(),
  nowayout: z.boolean(),
  pretimeoutMs: z.int().min(0),
  held: z.boolean(),
});

/** What one VM used of late: CPUs kept busy, and host memory held. */
const usageSchema = z.object({
  vm: uuidSchema,
  cpus: z.number().min(0).max(100_000),
  memoryMiB: z.int().min(0),
});

const reportSchema = z.object({
  /** Grows with every report of this incarnation; an older one never replaces a newer one. */
  sequence: z.int().min(0),
  hypervisor: z.enum(['ok', 'unreachable']),
  /** Every domain known to the hypervisor; null while it is unreachable. */
  domains: z.array(domainReportSchema).nullable(),
  capacity: capacitySchema,
  /** Reason why this agent takes no commands that need its state on disk; null when healthy. */
  degraded: textSchema.nullable(),
  /**
   * Set once the petter has this incarnation's token with every VM that runs here: from then on the
   * node self-fences. Absent or null: it holds.
   */
  watchdog: watchdogSchema.nullable().optional(),
  /** Null: it knows of no membership. Absent: it takes no part in peer hold. */
  peerHold: reportedHoldSchema.nullable().optional(),
  /** What the agent does about a hypervisor that does not answer; null when nothing. */
  mending: textSchema.nullable(),
  /** Its operating system is going down, and how; null when it is not. */
  leaving: z.enum(['reboot', 'shutdown']).nullable(),
  /** Absent: its hypervisor does not tell, or nothing is measured yet. Never kept. */
  usage: z.array(usageSchema).optional(),
});

/** `GuestWatch` of the core. Times in ms. */
const guestWatchSchema = z.object({
  check: guestCheckSchema,
  intervalMs: z.int().min(1),
  timeoutMs: z.int().min(1),
  failures: z.int().min(1),
  graceMs: z.int().min(0),
  repeats: z.boolean(),
});

/** Which list of managers: that of a newer epoch goes first, then the higher version. */
const rosterMarkSchema = z.object({ epoch: epochSchema, version: z.int().min(0) });

export const agentMessageSchema = z.discriminatedUnion('kind', [
  /** First message of a session. */
  z.object({
    kind: z.literal('hello'),
    protocol: z.int(),
    version: z.string().max(64),
    clusterId: uuidSchema,
    node: nameSchema,
    machineId: z.string().min(1).max(64),
    incarnation: incarnationSchema,
    /** Newest epoch this agent has accepted, persisted across restarts. */
    epochSeen: epochSchema,
    /** The list of managers that it has; null = none yet. Absent: it takes no lists. */
    roster: rosterMarkSchema.nullable().optional(),
    /** Where other agents may probe it; null = nowhere. Absent: it takes no list of peers. */
    probePort: z.int().min(1).max(65_535).nullable().optional(),
    /** It asks guests what it is told to ask. Absent: it takes no list of that. */
    asksGuests: z.literal(true).optional(),
    /** It opens consoles and screens. Absent: it is not asked to. */
    opensStreams: z.literal(true).optional(),
    report: reportSchema,
  }),
  z.object({
    kind: z.literal('heartbeat'),
    sequence: z.int().min(0),
    /** Agent's boot-time clock at sending, ms. Only the agent computes with it. */
    sentAtMs: z.number(),
    /**
     * Sequence of the last heartbeat that this session acknowledged; null = none yet, but the
     * welcome arrived. It tells the manager that the agent lived after that answer was sent.
     */
    acknowledged: z.int().min(0).nullable(),
    /** It holds a lease, and makes no promise to another node for so long, ms. Absent: 0. */
    boundMs: z.number().min(0).optional(),
  }),
  z.object({ kind: z.literal('report'), report: reportSchema }),
  /** What its probes of other agents came to. Never kept, never repeated. */
  z.object({
    kind: z.literal('sightings'),
    /** As in a heartbeat: it was sent after that answer. */
    acknowledged: z.int().min(0).nullable(),
    nodes: z
      .array(
        z.object({
          node: nameSchema,
          /** The boot that answered last, and how long ago it was asked, ms; null = none did yet. */
          bootId: uuidSchema.nullable(),
          ageMs: z.number().min(0).nullable(),
        }),
      )
      .max(maxSightings),
  }),
  /** The end of one command. */
  z.object({
    kind: z.literal('result'),
    operation: operationIdSchema,
    outcome: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('done') }),
      /** A check of DESIGN §2.3 said no; nothing was done. */
      z.object({
        kind: z.literal('refused'),
        because: z.enum([
          'cluster',
          'epoch',
          'token',
          'incarnation',
          'lease',
          'stateDisk',
          'unknownVm',
          'conflict',
        ]),
        detail: textSchema,
      }),
      /** It was tried, did not work, and nothing is left running or pending. */
      z.object({ kind: z.literal('failed'), code: z.string().max(64), detail: textSchema }),
      /** It may still take effect; the reports will tell. */
      z.object({ kind: z.literal('ambiguous'), detail: textSchema }),
    ]),
  }),
  /** The answer to `inspect`: a domain's XML. */
  z.object({
    kind: z.literal('xml'),
    operation: operationIdSchema,
    xml: z
      .string()
      .max(1024 * 1024)
      .nullable(),
    detail: textSchema,
  }),
  streamOpenedSchema,
  streamOutputSchema,
  streamClosedSchema,
]);

const commandBase = { operation: operationIdSchema };

export const commandSchema = z.discriminatedUnion('kind', [
  /** Define with this permit and boot. Needs a valid lease and a token newer than any seen. */
  z.object({ kind: z.literal('start'), ...commandBase, permit: permitSchema, spec: vmSpecSchema }),
  /**
   * Write this permit onto a domain that already runs. Needs a lease and a newer token;
   * `previousToken` must be the one the domain carries, null = it carries none (adoption).
   */
  z.object({
    kind: z.literal('permit'),
    ...commandBase,
    permit: permitSchema,
    previousToken: tokenSchema.nullable(),
  }),
  /**
   * Wake the copy that a live migration left standing here, first writing this permit onto it where it
   * carries `previousToken`. Needs a lease and a token that is not older than any seen.
   */
  z.object({
    kind: z.literal('resume'),
    ...commandBase,
    permit: permitSchema,
    previousToken: tokenSchema.nullable(),
  }),
  /** Do this once to the VM that runs by this permit. Needs a lease. */
  z.object({
    kind: z.literal('act'),
    ...commandBase,
    permit: permitSchema,
    verb: z.enum(askedVerbs),
    /** Of the verbs of snapshots: which one. */
    snapshot: snapshotNameSchema.optional(),
  }),
  /** Be ready to take the copy of a VM that will have this permit. Needs a lease and a newer token. */
  z.object({
    kind: z.literal('prepare'),
    ...commandBase,
    permit: permitSchema,
    spec: vmSpecSchema,
  }),
  /**
   * Copy the VM that runs by `permit` to the node at `address`; there the copy carries `target` and
   * stands still. done = it is gone from here. Needs a lease and a target token newer than any seen.
   */
  z.object({
    kind: z.literal('migrate'),
    ...commandBase,
    permit: permitSchema,
    target: permitSchema,
    address: z.string().min(1).max(255),
    limits: z.object({
      bandwidthMiBs: z.int().min(1).nullable(),
      autoConverge: z.boolean(),
      deadlineMs: z.int().min(1),
    }),
  }),
  /**
   * End the migration by this token, and never begin it again. done = the VM is here still; failed
   * `migrated` = it is gone by that migration, `leftPaused` = it stands still here, `gone` = neither.
   */
  z.object({
    kind: z.literal('abort'),
    ...commandBase,
    vm: uuidSchema,
    incarnation: incarnationIdSchema,
    token: tokenSchema,
  }),
  /** Stop and forget the domain of this token: done = released, it will not run again here. */
  z.object({
    kind: z.literal('release'),
    ...commandBase,
    vm: uuidSchema,
    incarnation: incarnationIdSchema,
    /** Newest token the manager knows for the VM; the agent refuses any start up to it afterwards. */
    token: tokenSchema,
    /** Guest shutdown first, for this long; 0 = power cut at once. */
    graceMs: z.int().min(0),
  }),
  /** Read a domain's XML, for adoption. Changes nothing. */
  z.object({ kind: z.literal('inspect'), ...commandBase, vm: uuidSchema }),
]);

export const managerMessageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('welcome'),
    manager: z.string().max(255),
    clusterId: uuidSchema,
    heartbeatMs: z.int().min(1),
    leaseTtlMs: z.int().min(1),
    /** G: how long after the end of its lease a self-fencing node may take to kill its VMs. */
    graceMs: z.int().min(1),
    /** W: what its watchdog's timeout must be. */
    watchdogMs: z.int().min(1),
  }),
  /** Answer to a heartbeat. `lease`: granted for `leaseTtlMs` from that heartbeat's send time. */
  z.object({
    kind: z.literal('ack'),
    sequence: z.int().min(0),
    epoch: epochSchema,
    incarnation: incarnationIdSchema,
    lease: z.boolean(),
  }),
  /** Commands of one leader to one incarnation. Order between them carries no meaning. */
  z.object({
    kind: z.literal('commands'),
    clusterId: uuidSchema,
    epoch: epochSchema,
    incarnation: incarnationIdSchema,
    commands: z.array(commandSchema).max(1024),
  }),
  /** All managers of the cluster, told by the leader: an agent keeps a session with each. */
  z.object({
    kind: z.literal('managers'),
    clusterId: uuidSchema,
    epoch: epochSchema,
    version: z.int().min(0),
    managers: z
      .array(z.object({ name: nameSchema, address: z.string().min(1).max(262) }))
      .min(1)
      .max(64),
  }),
  /** Whom to probe, told by the leader; takes the place of what it told before. */
  z.object({
    kind: z.literal('peers'),
    clusterId: uuidSchema,
    epoch: epochSchema,
    probeMs: z.int().min(1),
    peers: z.array(z.object({ name: nameSchema, address: z.string().min(1).max(262) })).max(64),
  }),
  /** The node may go down: its VMs are cared for. `action`: it is told to, as a person asked. */
  z.object({
    kind: z.literal('depart'),
    clusterId: uuidSchema,
    epoch: epochSchema,
    incarnation: incarnationIdSchema,
    action: z.enum(['reboot', 'shutdown']).nullable(),
  }),
  /** What to ask of guests here, told by the leader; takes the place of what it told before. */
  z.object({
    kind: z.literal('guests'),
    clusterId: uuidSchema,
    epoch: epochSchema,
    guests: z
      .array(z.object({ vm: uuidSchema, watches: z.array(guestWatchSchema).max(128) }))
      .max(16_384),
  }),
  /** Open a stream of the guest that runs here by this permit. */
  z.object({
    kind: z.literal('streamOpen'),
    clusterId: uuidSchema,
    epoch: epochSchema,
    incarnation: incarnationIdSchema,
    stream: uuidSchema,
    permit: permitSchema,
    request: streamRequestSchema,
  }),
  streamInputSchema,
  streamCreditSchema,
  streamCloseSchema,
  holdListSchema,
  z.object({ kind: z.literal('bye'), reason: textSchema }),
]);

export type AgentMessage = z.infer<typeof agentMessageSchema>;
export type ManagerMessage = z.infer<typeof managerMessageSchema>;
export type ManagerList = Extract<ManagerMessage, { kind: 'managers' }>;
export type PeerList = Extract<ManagerMessage, { kind: 'peers' }>;
export type Depart = Extract<ManagerMessage, { kind: 'depart' }>;
export type GuestList = Extract<ManagerMessage, { kind: 'guests' }>;
export type StreamOpen = Extract<ManagerMessage, { kind: 'streamOpen' }>;
export type StreamControl = Extract<
  ManagerMessage,
  { kind: 'streamInput' | 'streamCredit' | 'streamClose' }
>;
export type StreamReport = Extract<
  AgentMessage,
  { kind: 'streamOpened' | 'streamOutput' | 'streamClosed' }
>;
export type Sightings = Extract<AgentMessage, { kind: 'sightings' }>;
export type AgentCommand = z.infer<typeof commandSchema>;
export type DomainReport = z.infer<typeof domainReportSchema>;
export type AgentReport = z.infer<typeof reportSchema>;
export type CommandOutcome = Extract<AgentMessage, { kind: 'result' }>['outcome'];
