import { SimProcess } from '../../../chaos/sim/sim-process.ts';
import {
  managerMessageSchema,
  sessionProtocolVersion,
  type AgentCommand,
  type AgentMessage,
  type CommandOutcome,
  type DomainReport,
  type ManagerMessage,
} from '../../api/schema/session.ts';
import type { Incarnation } from '../../core/model/node.ts';
import type { PeerIdentity } from '../../env/network.ts';
import type { JsonValue, MessageChannel } from '../../env/network.ts';
import { identityOf, sessionPort, type ManagerWorld } from './manager-world.ts';
import { incarnationOf, testCluster } from './test-objects.ts';

type Message<Kind extends ManagerMessage['kind']> = Extract<ManagerMessage, { kind: Kind }>;
type Hello = Extract<AgentMessage, { kind: 'hello' }>;

export interface FakeAgentOptions {
  readonly node: string;
  /** Default: its first start in the first boot. */
  readonly incarnation?: Incarnation;
  /** What the certificate proves; default the node's own. */
  readonly identity?: PeerIdentity;
  readonly hello?: Partial<Hello>;
  /** Default `m-1`. */
  readonly manager?: string;
  /** Carries out commands and says so. Default true. */
  readonly obedient?: boolean;
  /** Heartbeats from the welcome on. Default true. */
  readonly beats?: boolean;
  readonly domains?: readonly DomainReport[];
}

/**
 * An agent's end of one session, told by the test what to do. What the manager says is held against
 * the wire schema.
 */
export class FakeAgent {
  readonly node: string;
  readonly incarnation: Incarnation;
  readonly process: SimProcess;
  readonly welcomes: Message<'welcome'>[] = [];
  readonly acks: Message<'ack'>[] = [];
  readonly batches: Message<'commands'>[] = [];
  readonly lists: Message<'managers'>[] = [];
  readonly peerLists: Message<'peers'>[] = [];
  readonly departures: Message<'depart'>[] = [];
  readonly guestLists: Message<'guests'>[] = [];
  readonly streams: Message<'streamOpen' | 'streamInput' | 'streamCredit' | 'streamClose'>[] = [];
  readonly holdLists: Message<'hold'>[] = [];
  readonly byes: string[] = [];
  /** Why the channel ended; null while it is open. */
  closed: string | null = null;
  obedient: boolean;
  beats: boolean;
  /** Null: the hypervisor does not answer. */
  domains: Map<string, DomainReport> | null;
  /** What it measured; null = it does not measure. */
  usage: NonNullable<Hello['report']['usage']> | null = null;
  xml: string | null = null;
  readonly #world: ManagerWorld;
  readonly #options: FakeAgentOptions;
  #channel: MessageChannel | null = null;
  #beat = 0;
  #report = 0;

  constructor(world: ManagerWorld, options: FakeAgentOptions) {
    this.#world = world;
    this.#options = options;
    this.node = options.node;
    this.incarnation = options.incarnation ?? incarnationOf(options.node);
    this.process = new SimProcess(world.time, `agent of ${options.node}`);
    this.obedient = options.obedient ?? true;
    this.beats = options.beats ?? true;
    this.domains = new Map((options.domains ?? []).map((domain) => [domain.vm, domain]));
  }

  /** Connects and says hello, unless the test wants to speak first. */
  dial(options: { readonly hello: boolean } = { hello: true }): Promise<void> {
    return this.#world.wait(this.connect(options));
  }

  /** As `dial`, while virtual time is run by somebody else. */
  async connect(options: { readonly hello: boolean } = { hello: true }): Promise<void> {
    const identity = this.#options.identity ?? identityOf('agent', this.node);
    const env = this.#world.env(this.process, this.node, identity);
    const result = await env.network.connect(
      { host: this.#options.manager ?? 'm-1', port: sessionPort },
      { expectRole: 'manager', timeoutMs: 10_000 },
    );
    if (result.kind === 'failed') throw new Error(result.detail);
    this.#channel = result.channel;
    result.channel.onClose((reason) => {
      this.closed = reason;
    });
    result.channel.onMessage((value) => this.#receive(managerMessageSchema.parse(value)));
    if (options.hello) this.say(this.hello());
  }

  get commands(): readonly AgentCommand[] {
    return this.batches.flatMap((batch) => batch.commands);
  }

  /** The last heartbeat that was acknowledged with a lease. */
  get leases(): number {
    return this.acks.filter((ack) => ack.lease).length;
  }

  /** Sends anything, also what no agent should. */
  say(message: AgentMessage | { readonly [key: string]: unknown }): void {
    if (this.#channel === null) throw new Error('not connected');
    this.#channel.send(JSON.parse(JSON.stringify(message)) as JsonValue);
  }

  hangUp(): void {
    this.#channel?.close('the test hangs up');
  }

  hello(): Hello {
    return {
      kind: 'hello',
      protocol: sessionProtocolVersion,
      version: '0.0.0-test',
      clusterId: testCluster,
      node: this.node,
      machineId: `machine-${this.node}`,
      incarnation: {
        id: this.incarnation.id,
        bootId: this.incarnation.bootId,
        isolation: 'holding',
      },
      epochSeen: 0,
      report: this.report(),
      ...this.#options.hello,
    };
  }

  /** The next report. */
  report(): Hello['report'] {
    this.#report += 1;
    const { domains } = this;
    return {
      sequence: this.#report,
      hypervisor: domains === null ? 'unreachable' : 'ok',
      domains: domains === null ? null : [...domains.values()],
      capacity: { memoryMiB: 16_384, vcpus: 16 },
      degraded: null,
      mending: null,
      leaving: null,
      ...(this.usage === null ? {} : { usage: [...this.usage] }),
    };
  }

  sayReport(): void {
    this.say({ kind: 'report', report: this.report() });
  }

  heartbeat(acknowledged: number | null = this.acks.at(-1)?.sequence ?? null): number {
    this.#beat += 1;
    const sentAtMs = this.#world.clock.boottimeMs();
    this.say({ kind: 'heartbeat', sequence: this.#beat, sentAtMs, acknowledged });
    return this.#beat;
  }

  answer(operation: string, outcome: CommandOutcome): void {
    this.say({ kind: 'result', operation, outcome });
  }

  #receive(message: ManagerMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.welcomes.push(message);
        this.#beatFrom(message.heartbeatMs);
        break;
      case 'ack':
        this.acks.push(message);
        break;
      case 'commands':
        this.batches.push(message);
        if (this.obedient) for (const command of message.commands) this.#obey(command);
        break;
      case 'managers':
        this.lists.push(message);
        break;
      case 'peers':
        this.peerLists.push(message);
        break;
      case 'depart':
        this.departures.push(message);
        break;
      case 'guests':
        this.guestLists.push(message);
        break;
      case 'streamOpen':
      case 'streamInput':
      case 'streamCredit':
      case 'streamClose':
        this.streams.push(message);
        break;
      case 'hold':
        this.holdLists.push(message);
        break;
      case 'bye':
        this.byes.push(message.reason);
        break;
      default:
        message satisfies never;
    }
  }

  #beatFrom(heartbeatMs: number): void {
    if (this.closed !== null || this.process.dead) return;
    if (this.beats) this.heartbeat();
    this.#world.time.schedule(heartbeatMs, () => this.#beatFrom(heartbeatMs));
  }

  #obey(command: AgentCommand): void {
    switch (command.kind) {
      case 'start':
      case 'resume':
      case 'permit': {
        const { permit } = command;
        const name =
          command.kind === 'start'
            ? command.spec.name
            : (this.domains?.get(permit.vm)?.name ?? permit.vm);
        this.domains?.set(permit.vm, domainOf(name, permit));
        break;
      }
      case 'release':
        this.domains?.delete(command.vm);
        break;
      case 'act':
      case 'prepare':
      case 'abort':
        break;
      case 'migrate':
        this.domains?.delete(command.permit.vm);
        break;
      case 'inspect':
        this.say({
          kind: 'xml',
          operation: command.operation,
          xml: this.xml,
          detail: this.xml === null ? 'there is no such domain' : '',
        });
        return;
      default:
        command satisfies never;
    }
    this.answer(command.operation, { kind: 'done' });
    this.sayReport();
  }
}

/** A domain that runs, with its permit or none. */
export function domainOf(
  name: string,
  permit: NonNullable<DomainReport['permit']>,
  change: Partial<DomainReport> = {},
): DomainReport {
  return {
    vm: permit.vm,
    name,
    active: true,
    state: 'running',
    reason: 'booted',
    permit,
    ...change,
  };
}
