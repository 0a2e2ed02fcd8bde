import { vi } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import type { Disk } from '../../src/env/disk.ts';
import { realClock } from '../../src/env/real/clock.ts';
import { realRandom } from '../../src/env/real/random.ts';
import { realTimers } from '../../src/env/real/timers.ts';
import type { MembershipOutcome } from '../../src/store/membership.ts';
import type { RaftStoreLimits } from '../../src/store/raft/limits.ts';
import { createStore, openRaftStore, prepareMember } from '../../src/store/raft/open-raft-store.ts';
import type { RaftStore } from '../../src/store/raft/raft-store.ts';
import type { RaftTiming } from '../../src/store/raft/timing.ts';
import { LocalNetwork } from './local-network.ts';
import { quietLog } from './quiet-log.ts';

const clusterId = '0f3c7a52-6a53-4f0c-9d7e-3b8a5f1c2d4e';
const directory = '/store';

/** Small enough that a few dozen writes meet every corner: rotation, snapshots, collection. */
const tinyLimits: Partial<RaftStoreLimits> = {
  segmentBytes: 2_000,
  snapshotEntries: 25,
  historyLimit: 40,
  reserveBytes: 4096,
  spaceCheckMs: 20,
  deadlineMs: 1_000,
  retryMs: 40,
};

/** Three times as fast as in production, and still no hurry on a busy machine. */
const timing: RaftTiming = { tickMs: 16, heartbeatTicks: 2, electionTicks: 14 };

interface Site {
  readonly name: string;
  readonly disk: SimDisk;
  attached: ReturnType<SimDisk['attach']>;
  store: RaftStore | null;
}

/** Members of one store in this process, on simulated disks, that can be cut off and killed. */
export class RaftCluster {
  readonly network = new LocalNetwork(clusterId);
  readonly fatal: Error[] = [];
  readonly #sites = new Map<string, Site>();

  /** The first founds the store, the others join it. */
  static async of(count: number): Promise<RaftCluster> {
    const cluster = new RaftCluster();
    await cluster.#found('member-1');
    for (let number = 2; number <= count; number += 1) await cluster.join(`member-${number}`);
    return cluster;
  }

  names(): readonly string[] {
    return [...this.#sites.keys()];
  }

  store(name: string): RaftStore {
    const { store } = this.#site(name);
    if (store === null) throw new Error(`${name} is down`);
    return store;
  }

  disk(name: string): SimDisk {
    return this.#site(name).disk;
  }

  /** The member that leads consensus, once there is one that all who are up agree on. */
  async leader(among: readonly string[] = this.names()): Promise<string> {
    return vi.waitFor(
      () => {
        const leading = among.filter((name) => this.#site(name).store?.isLeading() === true);
        const [only] = leading;
        if (only === undefined || leading.length > 1) throw new Error('no leader yet');
        return only;
      },
      { timeout: 10_000, interval: 5 },
    );
  }

  async join(name: string): Promise<void> {
    const site = this.#newSite(name);
    const env = this.#env(site, site.attached);
    const number = this.#sites.size;
    await prepareMember({ env, directory }, { number, name });
    await this.open(name);
    const member = { number, name, address: `${name}:7` };
    await this.#settled((store) => store.membership.addLearner(member));
    await this.#settled((store) => store.membership.promote(number));
  }

  /** The process is gone, and with `powerLoss` what it wrote and did not sync. */
  kill(name: string, cause: 'crash' | 'powerLoss' = 'powerLoss'): void {
    const site = this.#site(name);
    site.attached.kill();
    this.network.kill(name);
    if (cause === 'powerLoss') site.disk.crash({ content: 'none', names: 'none' });
    site.store?.abandon();
    site.store = null;
  }

  async open(name: string, disk?: (own: Disk) => Disk): Promise<RaftStore> {
    const site = this.#site(name);
    site.attached = site.disk.attach(name);
    site.store = await openRaftStore({
      env: this.#env(site, disk === undefined ? site.attached : disk(site.attached)),
      directory,
      clusterId,
      listen: { host: name, port: 7 },
      onFatal: (error) => this.fatal.push(error),
      limits: tinyLimits,
      timing,
    });
    return site.store;
  }

  async stop(): Promise<void> {
    for (const site of this.#sites.values()) await site.store?.close();
  }

  async #found(name: string): Promise<void> {
    const site = this.#newSite(name);
    const env = this.#env(site, site.attached);
    await createStore({ env, directory, clusterId }, { number: 1, name, address: `${name}:7` });
    await this.open(name);
  }

  /** Tries a change on whoever leads until it is made. */
  async #settled(change: (store: RaftStore) => Promise<MembershipOutcome>): Promise<void> {
    await vi.waitFor(
      async () => {
        const outcome = await change(this.store(await this.leader()));
        if (outcome.kind !== 'done') throw new Error('not changed yet');
      },
      { timeout: 10_000, interval: 10 },
    );
  }

  #newSite(name: string): Site {
    const disk = new SimDisk();
    const site: Site = { name, disk, attached: disk.attach(name), store: null };
    this.#sites.set(name, site);
    return site;
  }

  #site(name: string): Site {
    const site = this.#sites.get(name);
    if (site === undefined) throw new Error(`no member ${name}`);
    return site;
  }

  #env({ name }: Site, disk: Disk) {
    return {
      clock: realClock(),
      timers: realTimers(),
      random: realRandom(),
      network: this.network.for(name),
      log: quietLog(),
      disk,
    };
  }
}
