import { agentMessageSchema } from '../../src/api/schema/session.ts';
import type {
  AgentCommand,
  AgentMessage,
  AgentReport,
  CommandOutcome,
  StreamReport,
} from '../../src/api/schema/session.ts';
import type { JsonValue, MessageChannel, Network, NetworkAddress } from '../../src/env/network.ts';

type Sent<Kind extends AgentMessage['kind']> = Extract<AgentMessage, { kind: Kind }>;

export interface FakeManagerOptions {
  readonly network: Network;
  readonly address: NetworkAddress;
  readonly clusterId: string;
  readonly epoch: number;
}

/**
 * A manager's end of the channel, told by the test what to do: welcomes, acknowledges heartbeats
 * with or without a lease, sends commands, and keeps whatever the agent said. Every message is held
 * against the wire schema.
 */
export class FakeManager {
  readonly #options: FakeManagerOptions;
  #channel: MessageChannel | null = null;
  /** Given with every acknowledgement and command. */
  epoch: number;
  lease = true;
  acknowledges = true;
  welcomes = true;
  readonly heartbeatMs = 500;
  readonly leaseTtlMs = 6000;
  readonly hellos: Sent<'hello'>[] = [];
  readonly heartbeats: Sent<'heartbeat'>[] = [];
  readonly reports: AgentReport[] = [];
  readonly results: Sent<'result'>[] = [];
  readonly xmls: Sent<'xml'>[] = [];
  readonly sightings: Sent<'sightings'>[] = [];
  readonly streams: StreamReport[] = [];
  readonly closed: string[] = [];

  constructor(options: FakeManagerOptions) {
    this.#options = options;
    this.epoch = options.epoch;
  }

  async listen(): Promise<void> {
    await this.#options.network.listen(this.#options.address, (channel) => {
      channel.onMessage((value) => this.#receive(channel, agentMessageSchema.parse(value)));
      channel.onClose((reason) => {
        this.closed.push(reason);
        if (this.#channel === channel) this.#channel = null;
      });
    });
  }

  get name(): string {
    return this.#options.address.host;
  }

  get connected(): boolean {
    return this.#channel !== null;
  }

  /** The report that counts now. */
  get report(): AgentReport {
    const report = this.reports.at(-1);
    if (report === undefined) throw new Error('no report yet');
    return report;
  }

  /** The incarnation that said hello last. */
  get incarnation(): string {
    const hello = this.hellos.at(-1);
    if (hello === undefined) throw new Error('no hello yet');
    return hello.incarnation.id;
  }

  /** Every outcome told for an operation, in order. */
  outcomes(operation: string): readonly CommandOutcome[] {
    return this.results.flatMap((result) =>
      result.operation === operation ? [result.outcome] : [],
    );
  }

  command(
    commands: readonly AgentCommand[],
    envelope: Partial<{ clusterId: string; epoch: number; incarnation: string }> = {},
  ): void {
    const { clusterId } = this.#options;
    const { epoch, incarnation } = this;
    this.send({
      kind: 'commands',
      clusterId,
      epoch,
      incarnation,
      ...envelope,
      commands,
    });
  }

  send(message: { readonly [key: string]: JsonValue }): void {
    if (this.#channel === null) throw new Error('the agent is not connected');
    this.#channel.send(message);
  }

  hangUp(reason = 'test'): void {
    this.#channel?.close(reason);
  }

  #receive(channel: MessageChannel, message: AgentMessage): void {
    switch (message.kind) {
      case 'hello':
        this.#channel = channel;
        this.hellos.push(message);
        this.reports.push(message.report);
        if (this.welcomes) this.welcome();
        break;
      case 'heartbeat':
        this.heartbeats.push(message);
        if (this.acknowledges) this.acknowledge(message.sequence);
        break;
      case 'report':
        this.reports.push(message.report);
        break;
      case 'result':
        this.results.push(message);
        break;
      case 'xml':
        this.xmls.push(message);
        break;
      case 'sightings':
        this.sightings.push(message);
        break;
      case 'streamOpened':
      case 'streamOutput':
      case 'streamClosed':
        this.streams.push(message);
        break;
      default:
        message satisfies never;
    }
  }

  welcome(): void {
    const { clusterId } = this.#options;
    const { heartbeatMs, leaseTtlMs } = this;
    const times = { heartbeatMs, leaseTtlMs, graceMs: 3000, watchdogMs: 5000 };
    this.send({ kind: 'welcome', manager: this.name, clusterId, ...times });
  }

  acknowledge(sequence: number): void {
    const { epoch, incarnation, lease } = this;
    this.send({ kind: 'ack', sequence, epoch, incarnation, lease });
  }
}
