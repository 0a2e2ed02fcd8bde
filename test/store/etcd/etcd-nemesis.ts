import type { EtcdCluster } from './etcd-cluster.ts';

type Fault = 'kill' | 'stop' | 'cut' | 'moveLeader' | 'compact';

/** Disturbs a cluster of three, one fault after the other, and leaves it whole. */
export class EtcdNemesis {
  /** What was done, for the one who reads a failure. */
  readonly done: string[] = [];
  readonly #cluster: EtcdCluster;
  readonly #fraction: () => number;

  constructor(cluster: EtcdCluster, fraction: () => number) {
    this.#cluster = cluster;
    this.#fraction = fraction;
  }

  async run(goOn: () => boolean): Promise<void> {
    const faults: readonly Fault[] = ['kill', 'stop', 'cut', 'moveLeader', 'compact'];
    for (let count = 0; goOn(); count += 1) {
      const fault = faults[count % faults.length] ?? 'kill';
      // Every second one hits the member that matters most.
      const place = count % 2 === 0 ? await this.#leader() : Math.floor(this.#fraction() * 3);
      this.done.push(`${fault} m${place + 1}`);
      await this.#do(fault, place);
      await pause(300);
    }
  }

  async #do(fault: Fault, place: number): Promise<void> {
    const member = this.#cluster.members[place];
    if (member === undefined) return;
    switch (fault) {
      case 'kill':
        await member.kill();
        await pause(1_000);
        member.start();
        await this.#cluster.untilServing();
        break;
      case 'stop':
        member.stop();
        await pause(2_500);
        member.continue();
        break;
      case 'cut':
        this.#cluster.cut(place);
        await pause(2_500);
        this.#cluster.heal(place);
        await this.#cluster.untilServing();
        break;
      case 'moveLeader':
        await this.#cluster.moveLeader((place + 1) % 3).catch(() => undefined);
        break;
      case 'compact':
        await this.#cluster.compact().catch(() => undefined);
        break;
      default:
        fault satisfies never;
    }
  }

  async #leader(): Promise<number> {
    return this.#cluster.leader().catch(() => 0);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
