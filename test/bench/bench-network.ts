import { mustRun } from '../../deploy/lab/command.ts';
import { Companion } from './companion.ts';

/** The address of node `number`. */
export const nodeAddress = (number: number): string => `10.77.0.${number}`;

/** A network namespace without a name: it is there as long as the process that holds it. */
const holder = ['unshare', '--net', 'sh', '-c', 'echo ready && exec cat >/dev/null'] as const;

/**
 * A bridge in a network namespace of its own (the switch), and one network namespace per node with
 * a cable to it. The namespaces have no names on the host, so that two benches cannot collide and
 * nothing is left when this process dies.
 */
export class BenchNetwork {
  readonly #switch: Companion;
  readonly #nodes = new Map<number, Companion>();
  readonly #logFile: string;

  private constructor(holderOfSwitch: Companion, logFile: string) {
    this.#switch = holderOfSwitch;
    this.#logFile = logFile;
  }

  static async open(logFile: string): Promise<BenchNetwork> {
    const network = new BenchNetwork(await Companion.start(holder, logFile), logFile);
    try {
      await network.#inSwitch('ip', 'link', 'add', 'br0', 'type', 'bridge');
      await network.#inSwitch('ip', 'link', 'set', 'br0', 'up');
    } catch (error) {
      await network.close();
      throw error;
    }
    return network;
  }

  /** Makes the network namespace of a node, with its cable plugged in. */
  async addNode(number: number): Promise<void> {
    const node = await Companion.start(holder, this.#logFile);
    this.#nodes.set(number, node);
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(node.pid)];
    await this.#inSwitch('ip', 'link', 'add', port(number), ...peer);
    await this.#inSwitch('ip', 'link', 'set', port(number), 'master', 'br0');
    await this.#inNode(node, 'ip', 'address', 'add', `${nodeAddress(number)}/24`, 'dev', 'eth0');
    await this.#inNode(node, 'ip', 'link', 'set', 'lo', 'up');
    await this.#inNode(node, 'ip', 'link', 'set', 'eth0', 'up');
    await this.setPort(number, 'up');
  }

  /** The switch's port of a node: down, and no farewell of the node reaches anybody. */
  async setPort(number: number, state: 'up' | 'down'): Promise<void> {
    await this.#inSwitch('ip', 'link', 'set', port(number), state);
  }

  /** Path of a node's network namespace. */
  namespaceOf(number: number): string {
    const node = this.#nodes.get(number);
    if (node === undefined) throw new Error(`node ${number} has no network`);
    return `/proc/${node.pid}/ns/net`;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values(), this.#switch].map((each) => each.end()));
  }

  #inSwitch(...argv: readonly string[]): Promise<string> {
    return this.#inNode(this.#switch, ...argv);
  }

  #inNode(node: Companion, ...argv: readonly string[]): Promise<string> {
    return mustRun(['nsenter', `--net=/proc/${node.pid}/ns/net`, '--', ...argv]);
  }
}

const port = (number: number): string => `v${number}`;
