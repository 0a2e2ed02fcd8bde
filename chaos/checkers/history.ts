/** Any JSON, read without trust: checkers share no types with the code they judge. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A domain whose process may write to its disks, as the simulated hardware knows it. */
export interface LiveDomain {
  readonly node: string;
  readonly token: number | null;
  readonly sinceMs: number;
}

/** What is physically so at one instant. */
export interface Ground {
  /** Boot id of each node's running kernel; null = none runs. */
  readonly boots: ReadonlyMap<string, string | null>;
  /** Where a VM's process exists. */
  liveOn(vm: string): readonly LiveDomain[];
  /** VMs whose process exists on a node. */
  liveAt(node: string): readonly { readonly vm: string; readonly sinceMs: number }[];
}

export interface PermitFact {
  readonly vm: string;
  readonly node: string;
  readonly incarnation: string;
  readonly token: number;
}

/** One committed change of one key. Keys of one revision come as `fence/`, `node/`, `vm/`, others. */
export interface WriteFact {
  readonly kind: 'write';
  readonly revision: number;
  readonly key: string;
  /** The value as text; null = deleted. */
  readonly text: string | null;
  /** The same parsed, when it is a JSON object. */
  readonly value: JsonObject | null;
  readonly ground: Ground;
  /** When it was proposed, where that is known: without a quorum it may be committed much later. */
  readonly proposedAtMs?: number;
}

/** What a client of the API may ask for. `stay`: a wish to move is taken back. */
export type ClientVerb =
  | 'create'
  | 'start'
  | 'stop'
  | 'disable'
  | 'ignore'
  | 'delete'
  | 'migrate'
  | 'relocate'
  | 'stay'
  | 'pause'
  | 'resume'
  | 'reset'
  | 'reboot'
  | 'restart';

/** It leaves its sender's host, reaches the receiving one, is given to the code there. */
export type MessageStage = 'left' | 'arrived' | 'delivered';

/** What oracles are told, in the order in which it happened. Times are true time. */
export type Fact =
  | WriteFact
  /** A manager's message to an agent or an agent's to a manager, at one stage of its way. */
  | {
      readonly kind: 'message';
      readonly stage: MessageStage;
      readonly from: string;
      readonly to: string;
      readonly sentAtMs: number;
      readonly body: JsonObject;
    }
  | {
      readonly kind: 'startAsked';
      readonly permit: PermitFact;
      readonly node: string;
      readonly boot: string | null;
      /** The node's boot-time clock. */
      readonly boottimeMs: number;
      /** The agent's state file as it is on disk; null = none, or unreadable. */
      readonly stateFile: JsonObject | null;
      readonly ground: Ground;
    }
  | {
      readonly kind: 'vmRuns';
      readonly node: string;
      readonly vm: string;
      readonly permit: PermitFact | null;
      readonly running: boolean;
      readonly ground: Ground;
    }
  /** Something was done to a guest, which runs under this token; null = under none. */
  | {
      readonly kind: 'acted';
      readonly node: string;
      readonly vm: string;
      readonly verb: string;
      readonly token: number | null;
    }
  /** An agent's own view of its lease. */
  | {
      readonly kind: 'leaseSeen';
      readonly node: string;
      readonly incarnation: string;
      readonly leftMs: number;
      readonly boottimeMs: number;
    }
  /** A node's disk survived a loss of power with this in the agent's state file. */
  | {
      readonly kind: 'stateSurvived';
      readonly node: string;
      readonly stateFile: JsonObject | null;
    }
  /** A bit turned in the agent's state file: what it promised to remember may be gone. */
  | { readonly kind: 'stateRotted'; readonly node: string }
  | {
      readonly kind: 'powerCut';
      readonly node: string;
      readonly boot: string | null;
      readonly state: string;
    }
  | {
      readonly kind: 'tool';
      readonly stage: 'started' | 'ended';
      readonly manager: string;
      readonly bmcHost: string;
      readonly action: string;
      readonly exitCode: number | null;
    }
  /** A node's petter pets on since it has seen nothing left; `left`: permits of processes that are there. */
  | {
      readonly kind: 'contained';
      readonly node: string;
      readonly incarnation: string;
      readonly left: readonly PermitFact[];
    }
  /**
   * A node's petter took a deadline. `before`: the one it had; `alive`: VMs of that one whose processes
   * are there. `nowMs` is the node's boot-time clock.
   */
  | {
      readonly kind: 'petterTook';
      readonly node: string;
      readonly nowMs: number;
      readonly deadlineMs: number;
      readonly before: { readonly deadlineMs: number } | null;
      readonly alive: readonly string[];
    }
  /** A node's watchdog was petted too late. */
  | { readonly kind: 'watchdogBit'; readonly node: string }
  /** A BMC begins, or ceases, to lie or to act late. */
  | { readonly kind: 'bmc'; readonly node: string; readonly mode: string }
  /** The leadership was taken away behind its holder's back, or the holder's clocks stopped. */
  | { readonly kind: 'leaderFooled'; readonly manager: string }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly verb: ClientVerb;
      readonly vm: string;
    }
  /** `ok`, `no` = certainly not done, `unknown` = nobody can tell. */
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly result: 'ok' | 'no' | 'unknown';
      readonly detail: string;
    }
  | { readonly kind: 'fenceAsked'; readonly node: string }
  /** A person lets go what the storm governor holds. */
  | { readonly kind: 'releaseAsked' }
  /** A guest hangs: nothing in it answers until it starts anew. */
  | { readonly kind: 'guestSilent'; readonly vm: string }
  /** A client's watch showed a revision of a prefix, and before it `after`, or began there. */
  | {
      readonly kind: 'watched';
      readonly client: string;
      readonly prefix: string;
      readonly after: number;
      readonly revision: number;
    }
  /** A manager takes itself for the leader at the instant at which the epoch of another begins. */
  | { readonly kind: 'stillLeads'; readonly manager: string; readonly epoch: number }
  /** A member of a replicated store was elected. */
  | { readonly kind: 'raftElected'; readonly member: string; readonly term: number }
  /** It applied an entry; `run` names the process, the digest is of what the entry says. */
  | {
      readonly kind: 'raftApplied';
      readonly member: string;
      readonly run: string;
      readonly index: number;
      readonly term: number;
      readonly digest: number;
    }
  /** Its state is that of a snapshot. `expected`: of the committed state; null = there is none. */
  | {
      readonly kind: 'raftRestored';
      readonly member: string;
      readonly run: string;
      readonly from: 'disk' | 'peer';
      readonly index: number;
      readonly digest: number;
      readonly expected: number | null;
    }
  /** What the API says of a VM that should run and does not. */
  | {
      readonly kind: 'explained';
      readonly vm: string;
      readonly state: string;
      /** Since when it has been in that state without a change of its record. */
      readonly sinceMs: number;
      readonly awaiting: readonly string[];
      readonly try: readonly string[];
      readonly reason: string | null;
    };

export type FactKind = Fact['kind'];
/**
 * What a reader asks for: a kind of fact, or messages of one kind at one stage of their way, as
 * `delivered heartbeat`. Nearly all facts are messages, and each reader wants few of them.
 */
export type FactName = Exclude<FactKind, 'message'> | `${MessageStage} ${string}`;
export type FactOf<Kind extends FactKind> = Extract<Fact, { readonly kind: Kind }>;

export interface Violation {
  readonly checker: string;
  readonly atMs: number;
  readonly message: string;
}

/**
 * A reader of one history that knows one rule. It learns from facts alone and imports nothing of
 * what it judges.
 */
export interface Checker {
  readonly name: string;
  /** It is told of these alone. */
  readonly facts: readonly FactName[];
  /** Told in order. A violation is told once, at the fact that shows it. */
  take(fact: Fact, atMs: number): readonly string[];
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectAt(object: JsonObject, key: string): JsonObject | null {
  const value = object[key];
  return isObject(value) ? value : null;
}

export function textAt(object: JsonObject, key: string): string | null {
  const value = object[key];
  return typeof value === 'string' ? value : null;
}

export function numberAt(object: JsonObject, key: string): number | null {
  const value = object[key];
  return typeof value === 'number' ? value : null;
}

export function listAt(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : [];
}

/** A permit out of raw JSON; null when it is not one. */
export function permitIn(value: JsonObject | null): PermitFact | null {
  if (value === null) return null;
  const vm = textAt(value, 'vm');
  const node = textAt(value, 'node');
  const incarnation = textAt(value, 'incarnation');
  const token = numberAt(value, 'token');
  if (vm === null || node === null || incarnation === null || token === null) return null;
  return { vm, node, incarnation, token };
}

/** The boot that an incarnation belongs to: the part before its nonce. */
export function bootOf(incarnation: string): string {
  return incarnation.slice(0, incarnation.lastIndexOf('.'));
}
