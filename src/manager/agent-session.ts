import { readHeartbeat, readSightings } from '../api/schema/frequent-messages.ts';
import {
  agentMessageSchema,
  sessionProtocolVersion,
  type AgentMessage,
  type Depart,
  type GuestList,
  type ManagerList,
  type ManagerMessage,
  type PeerList,
  type Sightings,
  type StreamReport,
} from '../api/schema/session.ts';
import type { HoldList } from '../api/schema/peer-hold.ts';
import type { CommandOutcome } from '../core/observations.ts';
import { bootId, incarnationId, nodeId, operationId } from '../core/model/ids.ts';
import type { IncarnationId, NodeId, OperationId } from '../core/model/ids.ts';
import type { Incarnation } from '../core/model/node.ts';
import type { TimingSettings } from '../core/model/settings.ts';
import type { Env, Timer } from '../env/env.ts';
import type { JsonValue, MessageChannel } from '../env/network.ts';
import { AnswerTimes } from './answer-times.ts';

/** How long a connection may take to say hello, in ms. */
const helloTimeoutMs = 5000;

export type Hello = Extract<AgentMessage, { kind: 'hello' }>;
export type Report = Extract<AgentMessage, { kind: 'report' }>['report'];

/** What the welcome told the agent to keep to, in ms. */
type SessionTiming = Pick<TimingSettings, 'heartbeatMs' | 'leaseTtlMs' | 'graceMs' | 'watchdogMs'>;

/** A heartbeat as far as it says something of the node. */
export interface ReceivedHeartbeat {
  readonly sequence: number;
  readonly aliveAtMs: number;
  readonly boundMs: number;
}

export interface SessionEvents {
  /** Null = welcome; otherwise the reason of the refusal. */
  onHello(session: AgentSession, hello: Hello): string | null;
  /**
   * `aliveAtMs`: what the heartbeat answers was sent then, so the agent lived after it. `boundMs`: for
   * so long from its sending it holds a lease and makes no promise.
   */
  onHeartbeat(session: AgentSession, heartbeat: ReceivedHeartbeat): void;
  onReport(session: AgentSession, report: Report): void;
  /** `answeredMs`: what it answers was sent then, so it was written after that. */
  onSightings(session: AgentSession, nodes: Sightings['nodes'], answeredMs: number): void;
  onResult(session: AgentSession, operation: OperationId, outcome: CommandOutcome): void;
  onXml(session: AgentSession, operation: OperationId, xml: string | null, detail: string): void;
  onStream(session: AgentSession, message: StreamReport): void;
  onClose(session: AgentSession, reason: string): void;
}

/** One connection of one incarnation. Says nothing of a node but its own: identity is the certificate's. */
export class AgentSession {
  readonly node: NodeId;
  readonly fingerprint: string;
  readonly #channel: MessageChannel;
  readonly #env: Env;
  readonly #events: SessionEvents;
  #hello: Hello | null = null;
  #incarnation: Incarnation | null = null;
  #reportSequence = -1;
  #helloTimer: Timer | null;
  readonly #answers = new AnswerTimes();
  #welcomedMs: number | null = null;
  #timing: SessionTiming | null = null;
  #listTold: ManagerList | null = null;
  #peersTold = '';
  #departTold = '';
  #guestsTold = '';
  #holdTold = '';

  constructor(env: Env, channel: MessageChannel, events: SessionEvents) {
    this.#env = env;
    this.#channel = channel;
    this.#events = events;
    this.node = nodeId(channel.peer.name);
    this.fingerprint = channel.peer.fingerprint;
    this.#helloTimer = env.timers.after(helloTimeoutMs, () => this.refuse('no hello'));
    channel.onClose((reason) => this.#closed(reason));
    channel.onMessage((message) => this.#receive(message));
  }

  /** The hello, unless it was refused. */
  get hello(): Hello | null {
    return this.#hello;
  }

  get incarnation(): Incarnation | null {
    return this.#incarnation;
  }

  send(message: ManagerMessage): void {
    this.#channel.send(message);
  }

  /** Answers a heartbeat. The time of the answer is kept, for the heartbeat that echoes it. */
  ack(sequence: number, epoch: number, lease: boolean): void {
    if (this.#hello === null) return;
    this.#answers.note(sequence, this.#env.clock.monotonicMs());
    this.send({ kind: 'ack', sequence, epoch, incarnation: this.#hello.incarnation.id, lease });
  }

  welcome(message: Extract<ManagerMessage, { kind: 'welcome' }>): void {
    this.#welcomedMs = this.#env.clock.monotonicMs();
    this.#timing = message;
    this.send(message);
  }

  /** Whether the agent was welcomed with these times; they cannot be changed in a session. */
  keepsTo(timing: SessionTiming): boolean {
    const told = this.#timing;
    return (
      told?.heartbeatMs === timing.heartbeatMs &&
      told.leaseTtlMs === timing.leaseTtlMs &&
      told.graceMs === timing.graceMs &&
      told.watchdogMs === timing.watchdogMs
    );
  }

  /** Tells the managers of the cluster, unless the agent has that very list or takes none. */
  tellManagers(list: ManagerList): void {
    const known = this.#listTold ?? this.#hello?.roster;
    if (known === undefined || known?.version === list.version) return;
    this.#listTold = list;
    this.send(list);
  }

  /** Tells whom to probe, unless it was told so before or takes no such list. */
  tellPeers(list: PeerList): void {
    const text = JSON.stringify(list);
    if (this.#hello?.probePort === undefined || this.#peersTold === text) return;
    this.#peersTold = text;
    this.send(list);
  }

  /** Says that the node may go down, unless it was told so under this leadership. */
  tellDepart(message: Depart): void {
    const text = JSON.stringify(message);
    if (this.#departTold === text) return;
    this.#departTold = text;
    this.send(message);
  }

  /** Tells what to ask of guests, unless it was told so before, never had any, or takes no such list. */
  tellGuests(list: GuestList): void {
    if (this.#hello?.asksGuests !== true) return;
    if (list.guests.length === 0 && this.#guestsTold === '') return;
    const text = JSON.stringify(list);
    if (this.#guestsTold === text) return;
    this.#guestsTold = text;
    this.send(list);
  }

  /** Tells who counts for peer hold, unless it was told that very text before or takes no part. */
  tellHold(list: HoldList, text: string): void {
    if (this.#hello?.report.peerHold === undefined || this.#holdTold === text) return;
    this.#holdTold = text;
    this.send(list);
  }

  /** Says why, and ends the session. */
  refuse(reason: string): void {
    this.send({ kind: 'bye', reason });
    this.#channel.close(reason);
  }

  /** Whether commands for this incarnation may be sent here. */
  isOf(incarnation: IncarnationId): boolean {
    return this.#hello?.incarnation.id === incarnation;
  }

  #closed(reason: string): void {
    this.#helloTimer?.cancel();
    this.#helloTimer = null;
    this.#events.onClose(this, reason);
  }

  #receive(raw: JsonValue): void {
    const message = readHeartbeat(raw) ?? readSightings(raw) ?? this.#parse(raw);
    if (message === null) return;
    if (message.kind === 'hello') {
      this.#greet(message);
      return;
    }
    if (this.#hello === null) {
      this.refuse('the first message is a hello');
      return;
    }
    switch (message.kind) {
      case 'heartbeat':
        this.#heartbeat(message);
        break;
      case 'report':
        if (message.report.sequence <= this.#reportSequence) return;
        this.#reportSequence = message.report.sequence;
        this.#events.onReport(this, message.report);
        break;
      case 'sightings': {
        const answeredMs = this.#answeredMs(message.acknowledged);
        if (answeredMs !== null) this.#events.onSightings(this, message.nodes, answeredMs);
        break;
      }
      case 'result':
        this.#events.onResult(this, operationId(message.operation), message.outcome);
        break;
      case 'xml':
        this.#events.onXml(this, operationId(message.operation), message.xml, message.detail);
        break;
      case 'streamOpened':
      case 'streamOutput':
      case 'streamClosed':
        this.#events.onStream(this, message);
        break;
      default:
        message satisfies never;
    }
  }

  /** Null: it is no message of the protocol, and the session is over. */
  #parse(raw: JsonValue): AgentMessage | null {
    const parsed = agentMessageSchema.safeParse(raw);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    this.refuse(`not a message of this protocol: ${issue?.path.join('.')} ${issue?.message}`);
    return null;
  }

  /** Nothing is heard of an agent that answers nothing which was sent to it. */
  #heartbeat(heartbeat: Extract<AgentMessage, { kind: 'heartbeat' }>): void {
    const { sequence, acknowledged, boundMs = 0 } = heartbeat;
    const aliveAtMs = this.#answeredMs(acknowledged);
    if (aliveAtMs === null) return;
    this.#events.onHeartbeat(this, { sequence, aliveAtMs, boundMs });
  }

  /** When that was sent which the agent had got; null = nothing was sent yet. */
  #answeredMs(acknowledged: number | null): number | null {
    return (acknowledged === null ? null : this.#answers.sentMs(acknowledged)) ?? this.#welcomedMs;
  }

  #greet(hello: Hello): void {
    this.#helloTimer?.cancel();
    this.#helloTimer = null;
    if (this.#hello !== null) {
      this.refuse('a second hello');
      return;
    }
    if (hello.protocol !== sessionProtocolVersion) {
      this.refuse(`protocol ${hello.protocol} is not spoken here, ${sessionProtocolVersion} is`);
      return;
    }
    if (hello.node !== this.node) {
      this.refuse(`the certificate is of ${this.node}, not of ${hello.node}`);
      return;
    }
    // Before it is told: the hub may have commands for this incarnation at once.
    this.#hello = hello;
    this.#incarnation = incarnationOf(hello);
    this.#reportSequence = hello.report.sequence;
    const refusal = this.#events.onHello(this, hello);
    if (refusal === null) return;
    this.#hello = null;
    this.#incarnation = null;
    this.#env.log.warn({ node: this.node, reason: refusal }, 'agent refused');
    this.refuse(refusal);
  }
}

export function incarnationOf(hello: Hello): Incarnation {
  return {
    id: incarnationId(hello.incarnation.id),
    bootId: bootId(hello.incarnation.bootId),
    isolation: hello.incarnation.isolation,
  };
}
