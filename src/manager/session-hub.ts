import type { CommandOutcome } from '../core/observations.ts';
import type { BootId, NodeId, OperationId } from '../core/model/ids.ts';
import type { WatchedGuest } from '../core/order/guest-watches.ts';
import type { TimingSettings } from '../core/model/settings.ts';
import type { AddressedCommand, Departure } from '../core/plan.ts';
import type { Env, Timer } from '../env/env.ts';
import type { MessageChannel } from '../env/network.ts';
import type { Outcome } from '../core/problem.ts';
import type { Permit } from '../core/model/permit.ts';
import type { StreamRequest } from '../api/schema/guest-stream.ts';
import type { AgentCommand, ManagerList, Sightings } from '../api/schema/session.ts';
import {
  AgentSession,
  incarnationOf,
  type Hello,
  type ReceivedHeartbeat,
  type Report,
} from './agent-session.ts';
import type { MembershipRecord } from '../core/model/membership.ts';
import { GuestStreams, type OpenStream, type StreamReader } from './guest-streams.ts';
import { tellGuests } from './guest-list.ts';
import { tellHold } from './hold-list.ts';
import { tellPeers } from './probe-list.ts';
import type { WaitingHeartbeat } from './lease-granter.ts';
import type { ObservationBook } from './observation-book.ts';
import { rivalOf } from './rival-boots.ts';

/** Commands in one message, below the bound of the wire's schema. */
const commandsPerMessage = 256;
/** How long after an agent connected all are told whom to probe, in ms. */
const tellPeersAfterMs = 200;

/** The part of a leadership that sessions feed. Absent while this manager does not lead. */
export interface LeadingListener {
  readonly epoch: number;
  /** Null = may speak for the node; otherwise why not. */
  admitSession(hello: Hello, fingerprint: string): string | null;
  heartbeat(heartbeat: WaitingHeartbeat): void;
  /** Something was observed that a decision may depend on. */
  observed(): void;
  /** The managers of the cluster, for agents; null = none is recorded. */
  managerList(): ManagerList | null;
  /** Where a node is, as it was enrolled; null = it is none. */
  addressOf(node: NodeId): string | null;
  /** The node was overdue, or under a fence operation: its heartbeat may change a decision. */
  heartbeatMatters(node: NodeId): boolean;
}

export interface HubIdentity {
  readonly clusterId: string;
  readonly manager: string;
  timing(): TimingSettings;
  /** The boot of a node that its record has as admitted; null = none, or it is being fenced. */
  admittedBoot(node: NodeId): BootId | null;
  /** Another manager of this cluster dialled. */
  onPeer(channel: MessageChannel): void;
}

/** A question for a domain's XML that only the session it was put to may answer. */
interface Inspection {
  readonly session: AgentSession;
  end(xml: string | null, detail: string): void;
}

/** All agent sessions of this manager, one per node: the newest replaces the one before. */
export class SessionHub {
  readonly #env: Env;
  readonly #identity: HubIdentity;
  readonly #book: ObservationBook;
  /** Every open connection, also those that have not said hello. */
  readonly #open = new Set<AgentSession>();
  readonly #sessions = new Map<NodeId, AgentSession>();
  readonly #inspections = new Map<OperationId, Inspection>();
  readonly #streams: GuestStreams;
  #leading: LeadingListener | null = null;
  #peersSoon: Timer | null = null;

  constructor(env: Env, identity: HubIdentity, book: ObservationBook) {
    this.#env = env;
    this.#identity = identity;
    this.#book = book;
    this.#streams = new GuestStreams(env, identity.clusterId);
  }

  /** Takes a connection; what it may say depends on its certificate and its hello. */
  accept(channel: MessageChannel): void {
    const { role, clusterId } = channel.peer;
    if (role === 'admin' || clusterId !== this.#identity.clusterId) {
      channel.close('only agents and managers of this cluster speak here');
      return;
    }
    if (role === 'manager') {
      this.#identity.onPeer(channel);
      return;
    }
    const accepted = new AgentSession(this.#env, channel, {
      onHello: (session, hello) => this.#onHello(session, hello),
      onHeartbeat: (session, heartbeat) => this.#onHeartbeat(session, heartbeat),
      onReport: (session, report) => this.#onReport(session, report),
      onSightings: (session, nodes, answeredMs) => this.#onSightings(session, nodes, answeredMs),
      onResult: (session, operation, outcome) => this.#onResult(session, operation, outcome),
      onXml: (session, operation, xml, detail) => this.#onXml(session, operation, xml, detail),
      onStream: (session, message) => this.#streams.report(session, message),
      onClose: (session, reason) => this.#onClose(session, reason),
    });
    this.#open.add(accepted);
  }

  /**
   * Leadership begins or ends. Sessions that the leader's records do not admit are closed, and those
   * that were welcomed with other times than the cluster's, which come back for the right ones.
   */
  lead(leading: LeadingListener | null): void {
    this.#leading = leading;
    if (leading === null) return;
    for (const session of this.#sessions.values()) {
      const { hello } = session;
      if (hello === null) continue;
      const refusal = leading.admitSession(hello, session.fingerprint);
      if (refusal !== null) session.refuse(refusal);
      else if (!session.keepsTo(this.#identity.timing())) session.refuse('the times have changed');
    }
    this.announceManagers();
    this.#tellPeersSoon();
  }

  /** Managers came or went: agents that have another list are told. */
  announceManagers(): void {
    const list = this.#leading?.managerList() ?? null;
    if (list === null) return;
    for (const session of this.#sessions.values()) session.tellManagers(list);
  }

  /** Ends every connection, also those without a hello. */
  closeAll(reason: string): void {
    this.#peersSoon?.cancel();
    for (const session of this.#open) session.refuse(reason);
  }

  /** Closes the session of a node that is no longer what it was, for example removed. */
  disconnect(node: NodeId, reason: string): void {
    this.#sessions.get(node)?.refuse(reason);
  }

  /** Sends commands, one message per node. Those whose incarnation is not connected are skipped. */
  send(epoch: number, commands: readonly AddressedCommand[]): void {
    const byNode = new Map<NodeId, AddressedCommand[]>();
    for (const command of commands) {
      const session = this.#sessions.get(command.node);
      if (session === undefined || !session.isOf(command.incarnation)) continue;
      const list = byNode.get(command.node);
      if (list === undefined) byNode.set(command.node, [command]);
      else list.push(command);
      this.#book.commandSent(command);
    }
    for (const [node, list] of byNode) this.#sendTo(node, epoch, list);
  }

  /** Says to nodes that go down that they may. Once in a session, unless it is another word. */
  letGo(epoch: number, departures: readonly Departure[]): void {
    for (const { node, incarnation, action } of departures) {
      const session = this.#sessions.get(node);
      if (session === undefined || !session.isOf(incarnation)) continue;
      const { clusterId } = this.#identity;
      session.tellDepart({ kind: 'depart', clusterId, epoch, incarnation, action });
    }
  }

  /** Agents that have another list of what to ask of their guests are told. */
  tellGuests(epoch: number, byNode: ReadonlyMap<NodeId, readonly WatchedGuest[]>): void {
    tellGuests(this.#sessions.values(), { clusterId: this.#identity.clusterId, epoch }, byNode);
  }

  /** Null: the incarnation is not connected, or its agent opens no streams. */
  openStream(
    asked: { readonly epoch: number; readonly permit: Permit; readonly request: StreamRequest },
    reader: StreamReader,
  ): Promise<Outcome<OpenStream>> | null {
    const session = this.#sessions.get(asked.permit.node);
    const isThere = session?.isOf(asked.permit.incarnation) === true;
    if (!isThere || session.hello?.opensStreams !== true) return null;
    return this.#streams.open(session, asked, reader);
  }

  /** Agents that were told of other members, or other addresses of them, are told. */
  tellHold(epoch: number, membership: MembershipRecord): void {
    const { clusterId } = this.#identity;
    const timing = this.#identity.timing();
    const addressOf = (node: NodeId): string | null => this.#leading?.addressOf(node) ?? null;
    const cluster = { clusterId, epoch, timing, membership, addressOf };
    tellHold([...this.#sessions.values()], cluster);
  }

  /** Asks an agent for a domain's XML. Null when there is none or no answer within the time. */
  inspect(
    node: NodeId,
    epoch: number,
    request: { readonly operation: OperationId; readonly vm: string; readonly timeoutMs: number },
  ): Promise<{ readonly xml: string | null; readonly detail: string }> {
    const session = this.#sessions.get(node);
    const incarnation = session?.incarnation ?? null;
    if (session === undefined || incarnation === null) {
      return Promise.resolve({ xml: null, detail: `${node} is not connected` });
    }
    return new Promise((resolve) => {
      const end = (xml: string | null, detail: string): void => {
        timer.cancel();
        this.#inspections.delete(request.operation);
        resolve({ xml, detail });
      };
      const timer = this.#env.timers.after(request.timeoutMs, () => end(null, 'no answer in time'));
      this.#inspections.set(request.operation, { session, end });
      session.send({
        kind: 'commands',
        clusterId: this.#identity.clusterId,
        epoch,
        incarnation: incarnation.id,
        commands: [{ kind: 'inspect', operation: request.operation, vm: request.vm }],
      });
    });
  }

  #sendTo(node: NodeId, epoch: number, list: readonly AddressedCommand[]): void {
    const session = this.#sessions.get(node);
    const incarnation = session?.incarnation ?? null;
    if (session === undefined || incarnation === null) return;
    for (let from = 0; from < list.length; from += commandsPerMessage) {
      session.send({
        kind: 'commands',
        clusterId: this.#identity.clusterId,
        epoch,
        incarnation: incarnation.id,
        // The wire's arrays are mutable where the core's are not; nobody writes to them.
        commands: list
          .slice(from, from + commandsPerMessage)
          .map((addressed) => addressed.command as AgentCommand),
      });
    }
  }

  /** The newest connection of a node replaces the one before: an agent dials anew when it must. */
  #onHello(session: AgentSession, hello: Hello): string | null {
    if (hello.clusterId !== this.#identity.clusterId) return 'another cluster';
    const refusal = this.#leading?.admitSession(hello, session.fingerprint) ?? null;
    if (refusal !== null) return refusal;
    const rival = this.#rivalOf(session.node, incarnationOf(hello).bootId);
    if (rival !== null) return rival;
    const before = this.#sessions.get(session.node);
    this.#sessions.set(session.node, session);
    before?.refuse('replaced by a newer connection');
    this.#book.sessionOpened(session.node, incarnationOf(hello), hello.report);
    const timing = this.#identity.timing();
    session.welcome({
      kind: 'welcome',
      manager: this.#identity.manager,
      clusterId: this.#identity.clusterId,
      heartbeatMs: timing.heartbeatMs,
      leaseTtlMs: timing.leaseTtlMs,
      graceMs: timing.graceMs,
      watchdogMs: timing.watchdogMs,
    });
    const list = this.#leading?.managerList() ?? null;
    if (list !== null) session.tellManagers(list);
    this.#tellPeersSoon();
    this.#leading?.observed();
    return null;
  }

  /** Why this boot may not speak for the node now; null = it may. */
  #rivalOf(node: NodeId, bootId: BootId): string | null {
    const admitted = this.#identity.admittedBoot(node);
    const rival = rivalOf(
      { bootId, admitted, seen: this.#book.node(node), timing: this.#identity.timing() },
      this.#book.instant().nowMs,
    );
    if (rival === null) return null;
    this.#book.heardTwice(node, bootId);
    this.#leading?.observed();
    return rival;
  }

  /** Once for all that connect at a time: each of them changes whom others probe. */
  #tellPeersSoon(): void {
    this.#peersSoon ??= this.#env.timers.after(tellPeersAfterMs, () => {
      this.#peersSoon = null;
      const leading = this.#leading;
      if (leading === null) return;
      tellPeers([...this.#sessions.values()], {
        clusterId: this.#identity.clusterId,
        epoch: leading.epoch,
        heartbeatMs: this.#identity.timing().heartbeatMs,
        addressOf: (node) => leading.addressOf(node),
      });
    });
  }

  #onSightings(session: AgentSession, nodes: Sightings['nodes'], answeredMs: number): void {
    const { node, incarnation } = session;
    if (this.#sessions.get(node) !== session || incarnation === null) return;
    this.#book.sighted({ node, incarnation: incarnation.id }, nodes, answeredMs);
  }

  #onHeartbeat(session: AgentSession, heartbeat: ReceivedHeartbeat): void {
    const { sequence, aliveAtMs, boundMs } = heartbeat;
    if (this.#sessions.get(session.node) !== session || session.incarnation === null) return;
    const matters = this.#leading?.heartbeatMatters(session.node) ?? false;
    this.#book.heartbeat(session.node, aliveAtMs);
    if (this.#leading === null) {
      session.ack(sequence, 0, false);
      return;
    }
    const { epoch } = this.#leading;
    const { clockRateBound } = this.#identity.timing();
    this.#book.confirmed(session.node, aliveAtMs + boundMs / (1 + clockRateBound));
    this.#leading.heartbeat({
      node: session.node,
      incarnation: session.incarnation,
      sequence,
      answer: (lease) => session.ack(sequence, epoch, lease),
    });
    if (matters) this.#leading.observed();
  }

  #onReport(session: AgentSession, report: Report): void {
    if (this.#sessions.get(session.node) !== session) return;
    this.#book.reported(session.node, report);
    this.#leading?.observed();
  }

  #onResult(session: AgentSession, operation: OperationId, outcome: CommandOutcome): void {
    const { node, incarnation } = session;
    if (this.#sessions.get(node) !== session || incarnation === null) return;
    this.#env.log.debug({ node, operation, outcome: outcome.kind }, 'command ended');
    this.#book.commandEnded({ node, incarnation: incarnation.id }, operation, outcome);
    this.#leading?.observed();
  }

  #onXml(session: AgentSession, operation: OperationId, xml: string | null, detail: string): void {
    const inspection = this.#inspections.get(operation);
    if (inspection?.session === session) inspection.end(xml, detail);
  }

  #onClose(session: AgentSession, reason: string): void {
    this.#open.delete(session);
    this.#streams.sessionClosed(session);
    for (const inspection of this.#inspections.values()) {
      if (inspection.session === session) inspection.end(null, `${session.node} went away`);
    }
    if (this.#sessions.get(session.node) !== session) return;
    this.#sessions.delete(session.node);
    this.#env.log.info({ node: session.node, reason }, 'agent session closed');
    this.#book.sessionClosed(session.node);
    this.#leading?.observed();
  }
}
