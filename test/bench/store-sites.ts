import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from '../../src/pki/credentials.ts';
import { makeTestCluster } from '../../src/pki/test-credentials.ts';
import type { Member } from '../../src/store/membership.ts';
import { freePort } from '../managers/manager-process.ts';
import { EtcdCluster } from '../store/etcd/etcd-cluster.ts';
import { StoreChild } from './store-children.ts';
import type { Load } from './store-load.ts';
import { machineMs, type Question } from './store-process.ts';

/** What the loss of the leading member cost, in ms after its SIGKILL. */
export interface Loss {
  /** Another member leads; null where it is not seen from outside. */
  readonly electedMs: number | null;
  /** The first write that was begun after the loss is acknowledged. */
  readonly writtenMs: number;
}

/** Three members of a store, and somebody who writes to it. */
export interface StoreSite {
  readonly store: 'raft' | 'etcd';
  load(writers: number, durationMs: number): Promise<Load>;
  /** Kills the leading member, measures, and brings it back. */
  loseLeader(): Promise<Loss>;
  close(): Promise<void>;
}

async function loadOf(child: StoreChild, writers: number, durationMs: number): Promise<Load> {
  const said = await child.ask({ kind: 'load', writers, durationMs });
  if (said.kind !== 'load') throw new Error(`not asked for: ${said.kind}`);
  return said.load;
}

/** The first to be heard counts: writes go to every child. */
async function firstWrite(children: readonly StoreChild[], lostMs: number): Promise<Loss> {
  const all = await Promise.all(children.map((child) => child.ask({ kind: 'probe' })));
  const seen = all.flatMap((said) => (said.kind === 'probe' ? [said] : []));
  const elected = seen.flatMap(({ electedMs }) => electedMs ?? []);
  return {
    electedMs: elected.length === 0 ? null : Math.round(Math.min(...elected) - lostMs),
    writtenMs: Math.round(Math.min(...seen.map(({ writtenMs }) => writtenMs)) - lostMs),
  };
}

interface Place {
  readonly question: Extract<Question, { kind: 'member' }>;
  child: StoreChild;
}

/** Members of the managers' own store; the leading one writes, as the leading manager does. */
class RaftSite implements StoreSite {
  readonly store = 'raft';
  readonly #places: readonly Place[];

  private constructor(places: readonly Place[]) {
    this.#places = places;
  }

  static async open(directory: string): Promise<RaftSite> {
    const cluster = await makeTestCluster();
    const places: Place[] = [];
    for (const number of [1, 2, 3]) {
      const name = `member-${number}`;
      const port = await freePort();
      const credentials: Credentials = await cluster.issue('manager', name);
      const member: Member = { number, name, address: `127.0.0.1:${port}` };
      const home = join(directory, name);
      await mkdir(home);
      const question = {
        kind: 'member',
        directory: join(home, 'store'),
        credentials,
        member,
        listen: { host: '127.0.0.1', port },
        how: number === 1 ? 'found' : 'join',
      } as const;
      places.push({ question, child: new StoreChild() });
    }
    const site = new RaftSite(places);
    try {
      const [first, ...others] = places;
      await first?.child.ask(first.question);
      for (const { child, question } of others) {
        await child.ask(question);
        await first?.child.ask({ kind: 'admit', member: question.member });
      }
      return site;
    } catch (error) {
      await site.close();
      throw error;
    }
  }

  async load(writers: number, durationMs: number): Promise<Load> {
    return loadOf((await this.#leading()).child, writers, durationMs);
  }

  async loseLeader(): Promise<Loss> {
    const lost = await this.#leading();
    const others = this.#places.filter((place) => place !== lost);
    const lostMs = machineMs();
    await lost.child.kill();
    const loss = await firstWrite(
      others.map(({ child }) => child),
      lostMs,
    );
    lost.child = new StoreChild();
    await lost.child.ask({ ...lost.question, how: 'again' });
    return loss;
  }

  async close(): Promise<void> {
    await Promise.all(this.#places.map(({ child }) => child.kill()));
  }

  async #leading(): Promise<Place> {
    for (;;) {
      for (const place of this.#places) {
        const said = await place.child.ask({ kind: 'leads' });
        if (said.kind === 'leads' && said.leads) return place;
      }
    }
  }
}

/** An etcd; the client that writes speaks to the leading member alone, which is best for etcd. */
class EtcdSite implements StoreSite {
  readonly store = 'etcd';
  readonly #cluster: EtcdCluster;
  readonly #clients = new Map<number, StoreChild>();

  private constructor(cluster: EtcdCluster) {
    this.#cluster = cluster;
  }

  static async open(directory: string): Promise<EtcdSite> {
    return new EtcdSite(await EtcdCluster.start(3, null, directory));
  }

  async load(writers: number, durationMs: number): Promise<Load> {
    return loadOf(await this.#clientOf(await this.#cluster.leader()), writers, durationMs);
  }

  async loseLeader(): Promise<Loss> {
    const leader = await this.#cluster.leader();
    const others = [...this.#cluster.members.keys()].filter((place) => place !== leader);
    const clients = await Promise.all(others.map((place) => this.#clientOf(place)));
    const lost = this.#cluster.members[leader];
    const lostMs = machineMs();
    await lost?.kill();
    const loss = await firstWrite(clients, lostMs);
    lost?.start();
    await this.#cluster.untilServing();
    return loss;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((child) => child.kill()));
    await this.#cluster.remove();
  }

  /** A client that speaks to one member alone, so that no call goes astray. */
  async #clientOf(place: number): Promise<StoreChild> {
    const known = this.#clients.get(place);
    if (known !== undefined) return known;
    const endpoint = this.#cluster.endpoints[place];
    if (endpoint === undefined) throw new Error(`no member ${place}`);
    const child = new StoreChild();
    this.#clients.set(place, child);
    await child.ask({ kind: 'client', endpoints: [endpoint] });
    return child;
  }
}

export const openSite = {
  raft: (directory: string): Promise<StoreSite> => RaftSite.open(directory),
  etcd: (directory: string): Promise<StoreSite> => EtcdSite.open(directory),
} as const;
