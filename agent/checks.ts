import type { AgentCommand, CommandOutcome } from '../src/api/schema/session.ts';
import { isOfBoot } from './incarnation.ts';
import { leaseHolds } from './lease.ts';
import type { Lease } from './lease.ts';

/** What a `commands` message says about all of its commands. */
export interface CommandEnvelope {
  readonly clusterId: string;
  readonly epoch: number;
  readonly incarnation: string;
}

/** What this incarnation remembers of an operation id. */
export type OperationStanding =
  | { readonly kind: 'unknown' }
  /** Being executed now; its end will be answered. */
  | { readonly kind: 'inFlight' }
  /** Over, with this end; a repeat gets the same answer. */
  | { readonly kind: 'ended'; readonly outcome: CommandOutcome }
  /** Its effect was asked for and how that ended is not known. */
  | { readonly kind: 'unresolved' }
  /** The id belongs to another kind of command or to another VM. */
  | { readonly kind: 'foreign' };

/** All that the checks look at, taken in one instant. */
export interface CheckView {
  readonly clusterId: string;
  readonly node: string;
  readonly bootId: string;
  readonly incarnation: string;
  /** Newest epoch met, on disk or not yet. */
  readonly epochSeen: number;
  /** Newest token met for the command's VM, on disk or in the domain's own permit; null = none. */
  readonly tokenSeen: number | null;
  readonly lease: Lease;
  /** Boot-time clock, ms. */
  readonly nowMs: number;
  readonly standing: OperationStanding;
}

export type Refused = Extract<CommandOutcome, { kind: 'refused' }>;

export type CheckVerdict =
  | { readonly kind: 'accept' }
  | Refused
  /** A repeat of what is under way: say nothing, its end will be answered. */
  | { readonly kind: 'inFlight' }
  /** A repeat of what is over: answer this. */
  | { readonly kind: 'ended'; readonly outcome: CommandOutcome }
  /** A repeat of a start or permit that may have taken effect: find out. */
  | { readonly kind: 'resolve' };

/**
 * The agent's checks of DESIGN §2.3, as a pure function.
 *
 * A refusal promises that nothing was done. So a repeat of a start whose effect was asked for is
 * never refused for its lease or its token: it gets its recorded end, or is resolved.
 *
 * `release`, `abort` and `inspect` need no lease, they only lessen what runs. The first two may name an earlier
 * incarnation of this boot as holder of the token, because its domains run on over an agent
 * restart; that it was sent to this incarnation is what the envelope says.
 */
export function checkCommand(
  command: AgentCommand,
  envelope: CommandEnvelope,
  view: CheckView,
): CheckVerdict {
  const addressed = checkAddress(command, envelope, view);
  if (addressed !== null) return addressed;
  const { standing } = view;
  switch (standing.kind) {
    case 'inFlight':
      return { kind: 'inFlight' };
    case 'ended':
      return { kind: 'ended', outcome: standing.outcome };
    case 'foreign':
      return refused('conflict', `operation ${command.operation} was another command`);
    case 'unresolved':
      if (isResolved(command)) return { kind: 'resolve' };
      break;
    case 'unknown':
      break;
    default:
      standing satisfies never;
  }
  return checkToken(command, view) ?? checkLease(command, view) ?? { kind: 'accept' };
}

/** Commands whose effect is looked for when they come again, instead of being done over. */
export function isResolved(
  command: AgentCommand,
): command is Extract<AgentCommand, { kind: 'start' | 'permit' | 'resume' | 'migrate' }> {
  switch (command.kind) {
    case 'start':
    case 'permit':
    case 'resume':
    case 'migrate':
      return true;
    default:
      return false;
  }
}

/** Is it from the right leader, and meant for this start of this agent? */
function checkAddress(
  command: AgentCommand,
  envelope: CommandEnvelope,
  view: CheckView,
): Refused | null {
  if (envelope.clusterId !== view.clusterId) {
    return refused('cluster', `it is for cluster ${envelope.clusterId}`);
  }
  if (envelope.incarnation !== view.incarnation) {
    return refused(
      'incarnation',
      `it is for ${envelope.incarnation}, this is ${view.incarnation} of ${view.node}`,
    );
  }
  if (envelope.epoch < view.epochSeen) {
    return refused('epoch', `epoch ${envelope.epoch} is over, ${view.epochSeen} was seen`);
  }
  return checkHolder(command, view);
}

/** Does the permit, or the release, name this node? */
function checkHolder(command: AgentCommand, view: CheckView): Refused | null {
  switch (command.kind) {
    case 'start':
    case 'permit':
    case 'resume':
    case 'act':
    case 'prepare':
    case 'migrate': {
      const { node, incarnation } = command.permit;
      if (node === view.node && incarnation === view.incarnation) return null;
      return refused('incarnation', `its permit is for ${incarnation} of ${node}`);
    }
    case 'release':
    case 'abort':
      if (isOfBoot(command.incarnation, view.bootId)) return null;
      return refused('incarnation', `it is about what ${command.incarnation} held`);
    case 'inspect':
      return null;
    default:
      return command satisfies never;
  }
}

function checkToken(command: AgentCommand, view: CheckView): Refused | null {
  const seen = view.tokenSeen ?? -1;
  switch (command.kind) {
    case 'start':
    case 'permit':
    case 'prepare':
    case 'migrate': {
      const { token } = command.kind === 'migrate' ? command.target : command.permit;
      if (token > seen) return null;
      return refused('token', `token ${token} is not newer than ${seen}`);
    }
    case 'act':
    case 'resume':
      // Its own was met already: at the start, or when the copy was prepared for.
      if (command.permit.token >= seen) return null;
      return refused('token', `token ${command.permit.token} is older than ${seen}`);
    case 'release':
    case 'abort':
      if (command.token >= seen) return null;
      return refused('token', `token ${command.token} is older than ${seen}`);
    case 'inspect':
      return null;
    default:
      return command satisfies never;
  }
}

function checkLease(command: AgentCommand, view: CheckView): Refused | null {
  switch (command.kind) {
    case 'start':
    case 'permit':
    case 'resume':
    case 'act':
    case 'prepare':
    case 'migrate': {
      if (leaseHolds(view.lease, view.nowMs)) return null;
      const { untilMs } = view.lease;
      if (untilMs === null) return refused('lease', 'this incarnation was never granted a lease');
      return refused('lease', `the lease ran out ${Math.round(view.nowMs - untilMs)} ms ago`);
    }
    case 'release':
    case 'abort':
    case 'inspect':
      return null;
    default:
      return command satisfies never;
  }
}

export function refused(because: Refused['because'], detail: string): Refused {
  return { kind: 'refused', because, detail };
}
