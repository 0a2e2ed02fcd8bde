import { parseHostPort } from '../src/api/schema/host-port.ts';
import { readProbe } from '../src/api/schema/frequent-messages.ts';
import { readPromiseAsk, type PromiseAnswer } from '../src/api/schema/peer-hold.ts';
import type { PeerList, Sightings } from '../src/api/schema/session.ts';
import type { Env, Timer } from '../src/env/env.ts';
import type { Listener, MessageChannel, NetworkAddress } from '../src/env/network.ts';
import { ProbeLink } from './probe-link.ts';

export interface PeerProbesOptions {
  readonly env: Env;
  readonly clusterId: string;
  readonly bootId: string;
  /** Where other agents may ask, the first that works; none = nowhere. */
  readonly listen: readonly NetworkAddress[];
  readonly onSightings: (nodes: Sightings['nodes']) => void;
  /** Another agent asks here for a promise (docs/peer-hold.md). */
  readonly onPromiseAsk: (sequence: number) => Promise<PromiseAnswer>;
}

/**
 * Asks a few other agents whether they live, and answers when asked (DESIGN §5, detection). So a
 * node that lost only its managers is told from one that died. What is found goes to the managers as
 * it is, half an interval after each round; no agent draws a conclusion from it.
 */
export class PeerProbes {
  readonly #options: PeerProbesOptions;
  readonly #links = new Map<string, ProbeLink>();
  readonly #accepted = new Set<MessageChannel>();
  #listener: Listener | null = null;
  #timer: Timer | null = null;
  #list: PeerList | null = null;

  constructor(options: PeerProbesOptions) {
    this.#options = options;
  }

  /** Where it may be asked; null = nowhere. */
  get port(): number | null {
    return this.#listener?.address.port ?? null;
  }

  /** An agent that cannot listen is not probed, and runs all the same. */
  async listen(): Promise<void> {
    const { env, listen } = this.#options;
    for (const address of listen) {
      try {
        this.#listener = await env.network.listen(address, (channel) => this.#accept(channel));
        return;
      } catch (error) {
        env.log.warn({ address, err: error }, 'other agents cannot probe this one here');
      }
    }
  }

  /** A list of an older leader is no list. */
  follow(list: PeerList): void {
    if (this.#list !== null && list.epoch < this.#list.epoch) return;
    this.#list = list;
    const wanted = new Map(list.peers.map(({ name, address }) => [`${name} ${address}`, name]));
    for (const [key, link] of this.#links) {
      if (wanted.has(key)) continue;
      link.stop();
      this.#links.delete(key);
    }
    for (const { name, address } of list.peers) this.#add(name, address);
    this.#timer?.cancel();
    this.#round();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    for (const link of this.#links.values()) link.stop();
    this.#links.clear();
    for (const channel of this.#accepted) channel.close('the agent stops');
    await this.#listener?.close();
  }

  #add(name: string, address: string): void {
    const key = `${name} ${address}`;
    const parsed = parseHostPort(address);
    if (parsed.kind === 'invalid' || this.#links.has(key)) return;
    const { env, clusterId } = this.#options;
    const { host, port } = parsed;
    const link = new ProbeLink({ env, clusterId, name, address: { host, port } });
    this.#links.set(key, link);
    link.start();
  }

  #round(): void {
    const probeMs = this.#list?.probeMs ?? 0;
    if (this.#links.size === 0) return;
    for (const link of this.#links.values()) link.probe();
    const { timers } = this.#options.env;
    this.#timer = timers.after(probeMs / 2, () => {
      this.#tell();
      this.#timer = timers.after(probeMs / 2, () => this.#round());
    });
  }

  #tell(): void {
    const nowMs = this.#options.env.clock.boottimeMs();
    this.#options.onSightings(
      [...this.#links.values()].map(({ name, answer }) => ({
        node: name,
        bootId: answer?.bootId ?? null,
        ageMs: answer === null ? null : nowMs - answer.sentMs,
      })),
    );
  }

  #accept(channel: MessageChannel): void {
    const { clusterId, bootId } = this.#options;
    if (channel.peer.role !== 'agent' || channel.peer.clusterId !== clusterId) {
      channel.close('only agents of this cluster ask here');
      return;
    }
    this.#accepted.add(channel);
    channel.onClose(() => void this.#accepted.delete(channel));
    channel.onMessage((value) => {
      const probe = readProbe(value);
      if (probe !== null) {
        channel.send({ kind: 'probeEcho', sequence: probe.sequence, bootId });
        return;
      }
      const asked = readPromiseAsk(value);
      if (asked === null) channel.close('not a probe');
      else void this.#options.onPromiseAsk(asked.sequence).then((answer) => channel.send(answer));
    });
  }
}
