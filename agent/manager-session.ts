import type { HoldList } from '../src/api/schema/peer-hold.ts';
import type { AgentMessage, AgentReport, Sightings } from '../src/api/schema/session.ts';
import type { Env, Timer } from '../src/env/env.ts';
import type { MessageChannel, NetworkAddress } from '../src/env/network.ts';
import { redialDelayMs } from './backoff.ts';
import type { LeaseAck } from './lease.ts';
import { readManagerMessage } from './session-messages.ts';
import type { ReceivedMessage } from './session-messages.ts';
import type { Asker } from './executor.ts';
import type { AgentTuning } from './tuning.ts';

type Received<Kind extends ReceivedMessage['kind']> = Extract<ReceivedMessage, { kind: Kind }>;

export interface ManagerSessionOptions {
  readonly env: Env;
  readonly address: NetworkAddress;
  readonly clusterId: string;
  readonly tuning: AgentTuning;
  readonly hello: () => Extract<AgentMessage, { kind: 'hello' }>;
  readonly report: () => AgentReport;
  /** For how long from now it holds a lease and promises nothing, ms. */
  readonly boundMs: () => number;
  readonly onAck: (ack: LeaseAck) => void;
  readonly onCommands: (commands: Received<'commands'>, asker: Asker) => void;
  readonly onManagers: (list: Received<'managers'>) => void;
  readonly onPeers: (list: Received<'peers'>) => void;
  readonly onDepart: (message: Received<'depart'>) => void;
  readonly onGuests: (list: Received<'guests'>) => void;
  readonly onStreamOpen: (message: Received<'streamOpen'>, asker: Asker) => void;
  readonly onStreamControl: (
    message: Received<'streamInput' | 'streamCredit' | 'streamClose'>,
    asker: Asker,
  ) => void;
  /** A channel ended; another one may follow. */
  readonly onEnd: (asker: Asker) => void;
  readonly onHold: (list: HoldList) => void;
  /** The manager said welcome. */
  readonly onOpen: () => void;
}

export interface ManagerSessionStatus {
  readonly address: NetworkAddress;
  readonly state: 'dialling' | 'greeting' | 'open' | 'waiting' | 'stopped';
  /** Name that the manager gave; null before its welcome. */
  readonly manager: string | null;
  /** Why the last session ended; null before the first end. */
  readonly lastEnd: string | null;
}

interface SentHeartbeat {
  readonly sequence: number;
  /** Boot-time ms, read before it was sent. */
  readonly sentAtMs: number;
}

/** What lives as long as one channel. */
interface Connection {
  readonly channel: MessageChannel;
  /** Sequence of the report that the manager has. */
  reportSent: number;
  welcome: Received<'welcome'> | null;
  /** Heartbeats that are not acknowledged, oldest first. */
  readonly sent: SentHeartbeat[];
  /** Heartbeats sent since the last acknowledgement. */
  unanswered: number;
  acknowledged: boolean;
  /** Sequence of the last heartbeat that was acknowledged. */
  lastAcknowledged: number | null;
  timer: Timer | null;
}

/** A session without acknowledgement is given up after this many heartbeats… */
const unansweredMin = 4;
/** …that span at least this long, in ms: a leader that waits for its quorum is slow, not gone. */
const unansweredMinMs = 2000;
/** Answers that are sent again to a manager that comes back. */
const keptAnswers = 256;

/**
 * The agent's end towards one manager: dials, says hello, heartbeats, reports, takes commands, and
 * begins again whenever the channel ends. Every manager gets heartbeats; which of them leads shows
 * in its acknowledgements.
 *
 * A dead connection is noticed by heartbeats without acknowledgement, counted, not timed: after a
 * pause of this process nothing was sent, so nothing is missing.
 */
export class ManagerSession implements Asker {
  readonly #options: ManagerSessionOptions;
  readonly #abort = new AbortController();
  readonly #answers = new Map<string, AgentMessage>();
  #connection: Connection | null = null;
  #sequence = 0;
  #failures = 0;
  #state: ManagerSessionStatus['state'] = 'dialling';
  #manager: string | null = null;
  #lastEnd: string | null = null;
  #redial: Timer | null = null;

  constructor(options: ManagerSessionOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#dial();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#abort.abort();
    this.#redial?.cancel();
    this.#connection?.channel.close('the agent stops');
  }

  status(): ManagerSessionStatus {
    const { address } = this.#options;
    const { manager, lastEnd } = { manager: this.#manager, lastEnd: this.#lastEnd };
    return { address, state: this.#state, manager, lastEnd };
  }

  /** Sends the report unless this manager has it, or is not there: then its hello carries it. */
  report(report: AgentReport): void {
    const connection = this.#connection;
    if (connection === null || connection.welcome === null) return;
    if (report.sequence <= connection.reportSent) return;
    connection.reportSent = report.sequence;
    this.#send(connection, { kind: 'report', report });
  }

  /** Tells what probes came to, if this manager is there; what is late is worth nothing. */
  sightings(nodes: Sightings['nodes']): void {
    const connection = this.#connection;
    if (connection === null || connection.welcome === null) return;
    const acknowledged = connection.lastAcknowledged;
    this.#send(connection, { kind: 'sightings', acknowledged, nodes });
  }

  /**
   * Answers a command. Delivery is not promised by the channel, so the last answers are kept and
   * sent once more when this manager is back; it tells repeats by their operation.
   */
  answer(message: AgentMessage): void {
    // An XML is not kept, it is large; its asker asks again.
    if (message.kind === 'result') {
      this.#answers.delete(message.operation);
      this.#answers.set(message.operation, message);
      const oldest = this.#answers.keys().next();
      if (this.#answers.size > keptAnswers && oldest.done !== true) {
        this.#answers.delete(oldest.value);
      }
    }
    if (this.#connection !== null && this.#connection.welcome !== null) {
      this.#send(this.#connection, message);
    }
  }

  async #dial(): Promise<void> {
    const { env, address, tuning } = this.#options;
    this.#state = 'dialling';
    const result = await env.network.connect(address, {
      expectRole: 'manager',
      timeoutMs: tuning.dialTimeoutMs,
      signal: this.#abort.signal,
    });
    if (result.kind === 'failed') {
      this.#ended(`${result.because}: ${result.detail}`);
      return;
    }
    if (this.#abort.signal.aborted) {
      result.channel.close('the agent stops');
      return;
    }
    this.#greet(result.channel);
  }

  #greet(channel: MessageChannel): void {
    const { env, tuning, clusterId } = this.#options;
    const connection: Connection = {
      channel,
      reportSent: 0,
      welcome: null,
      sent: [],
      unanswered: 0,
      acknowledged: false,
      lastAcknowledged: null,
      timer: null,
    };
    this.#connection = connection;
    channel.onClose((reason) => {
      connection.timer?.cancel();
      this.#connection = null;
      this.#options.onEnd(this);
      // Only a session that worked earns a quick return.
      if (connection.acknowledged) this.#failures = 0;
      this.#ended(reason);
    });
    if (channel.peer.clusterId !== clusterId) {
      channel.close(`the manager is of cluster ${channel.peer.clusterId}`);
      return;
    }
    this.#state = 'greeting';
    const hello = this.#options.hello();
    connection.reportSent = hello.report.sequence;
    connection.timer = env.timers.after(tuning.welcomeTimeoutMs, () =>
      channel.close(`no welcome within ${tuning.welcomeTimeoutMs} ms`),
    );
    this.#send(connection, hello);
    channel.onMessage((value) => this.#receive(connection, readManagerMessage(value)));
  }

  #receive(connection: Connection, message: ReceivedMessage): void {
    if (this.#connection !== connection) return;
    const { channel } = connection;
    if (message.kind === 'unreadable') {
      channel.close(`message cannot be read: ${message.because}`);
      return;
    }
    if (message.kind === 'bye') {
      channel.close(`the manager said bye: ${message.reason}`);
      return;
    }
    if (message.kind === 'welcome') {
      this.#welcomed(connection, message);
      return;
    }
    if (connection.welcome === null) {
      channel.close(`${message.kind} before welcome`);
      return;
    }
    if (message.kind === 'ack') this.#acknowledged(connection, connection.welcome, message);
    else if (message.kind === 'managers') this.#options.onManagers(message);
    else if (message.kind === 'peers') this.#options.onPeers(message);
    else if (message.kind === 'depart') this.#options.onDepart(message);
    else if (message.kind === 'guests') this.#options.onGuests(message);
    else if (message.kind === 'hold') this.#options.onHold(message);
    else if (message.kind === 'streamOpen') this.#options.onStreamOpen(message, this);
    else if (message.kind === 'commands') this.#options.onCommands(message, this);
    else this.#options.onStreamControl(message, this);
  }

  #welcomed(connection: Connection, message: Received<'welcome'>): void {
    const { channel } = connection;
    if (connection.welcome !== null) {
      channel.close('a second welcome');
      return;
    }
    if (message.clusterId !== this.#options.clusterId) {
      channel.close(`welcome to another cluster, ${message.clusterId}`);
      return;
    }
    connection.welcome = message;
    this.#state = 'open';
    this.#manager = message.manager;
    this.#options.env.log.info({ manager: message.manager }, 'session is open');
    this.#heartbeat(connection, message);
    this.report(this.#options.report());
    for (const answer of this.#answers.values()) this.#send(connection, answer);
    this.#options.onOpen();
  }

  #heartbeat(connection: Connection, welcome: Received<'welcome'>): void {
    const { env } = this.#options;
    const { heartbeatMs } = welcome;
    const unansweredMax = Math.max(unansweredMin, Math.ceil(unansweredMinMs / heartbeatMs));
    connection.timer?.cancel();
    if (connection.unanswered >= unansweredMax) {
      connection.channel.close(`${connection.unanswered} heartbeats without acknowledgement`);
      return;
    }
    connection.timer = env.timers.after(heartbeatMs, () => this.#heartbeat(connection, welcome));
    this.#sequence += 1;
    // Read before sending: the lease counts from an instant that lies before the grant.
    const sentAtMs = env.clock.boottimeMs();
    connection.sent.push({ sequence: this.#sequence, sentAtMs });
    connection.unanswered += 1;
    const boundMs = this.#options.boundMs();
    this.#send(connection, {
      kind: 'heartbeat',
      sequence: this.#sequence,
      sentAtMs,
      acknowledged: connection.lastAcknowledged,
      ...(boundMs > 0 ? { boundMs } : {}),
    });
  }

  #acknowledged(connection: Connection, welcome: Received<'welcome'>, ack: Received<'ack'>): void {
    const index = connection.sent.findIndex((one) => one.sequence === ack.sequence);
    const heartbeat = connection.sent[index];
    // Not one of this connection's, or answered before.
    if (heartbeat === undefined) return;
    const { sentAtMs } = heartbeat;
    // A newer answer makes the older ones worthless; this bounds the list.
    connection.sent.splice(0, index + 1);
    connection.acknowledged = true;
    connection.lastAcknowledged = ack.sequence;
    connection.unanswered = 0;
    const { lease, epoch, incarnation } = ack;
    const { leaseTtlMs, graceMs, watchdogMs } = welcome;
    const times = { sentAtMs, leaseTtlMs, graceMs, watchdogMs };
    this.#options.onAck({ lease, epoch, incarnation, ...times });
  }

  #ended(reason: string): void {
    if (this.#state === 'stopped') return;
    const { env, address } = this.#options;
    this.#lastEnd = reason;
    this.#state = 'waiting';
    const delayMs = redialDelayMs(this.#failures, env.random.fraction());
    this.#failures += 1;
    env.log.info({ manager: address, reason, delayMs }, 'no session');
    this.#redial = env.timers.after(delayMs, () => void this.#dial());
  }

  #send(connection: Connection, message: AgentMessage): void {
    connection.channel.send(message);
  }
}
