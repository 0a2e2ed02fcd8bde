import { clusterId } from '../../src/core/model/ids.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { Env } from '../../src/env/env.ts';
import { splitListener } from '../../src/env/split-listener.ts';
import { leaderKey } from '../../src/store/leadership-key.ts';
import { openLog } from '../../src/store/log/segmented-log.ts';
import { encodeState } from '../../src/store/snapshot-codec.ts';
import type { StateMachine } from '../../src/store/state-machine.ts';
import type { Store, Write, WriteOutcome } from '../../src/store/store.ts';
import type { Member } from '../../src/store/membership.ts';
import type { RaftStoreLimits } from '../../src/store/raft/limits.ts';
import { writeIdentity } from '../../src/store/raft/member-directory.ts';
import { noMembers } from '../../src/store/raft/members.ts';
import type { RaftObserver } from '../../src/store/raft/observer.ts';
import { openRaftStore, prepareMember } from '../../src/store/raft/open-raft-store.ts';
import { isHello } from '../../src/store/raft/peers.ts';
import type { RaftStore } from '../../src/store/raft/raft-store.ts';
import type { RaftTiming } from '../../src/store/raft/timing.ts';
import { storeDirectory } from './file-sim-store.ts';
import type { RandomStream } from './random.ts';
import { beginning, digestOfEntry, digestOfState, RaftLedger } from './raft-ledger.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimStore, StoreOfSeat, StoreSeat } from './sim-store.ts';
import type { RaftTaps } from './taps.ts';
import { tiedStore } from './tied-ports.ts';

/** Small, so that snapshots, new segments and a full disk come within a minute of a small cluster. */
const limits: Partial<RaftStoreLimits> = {
  segmentBytes: 16 << 10,
  snapshotEntries: 25,
  snapshotBytes: 256 << 10,
  keptEntries: 10,
  historyLimit: 200,
  reserveBytes: 64 << 10,
  spaceCheckMs: 2000,
};

export interface RaftSimStoreOptions {
  readonly clusterId: string;
  readonly members: readonly (Member & {
    /** The manager's disk, for the time before its first process. */
    readonly disk: Disk;
    /** False = prepared to join: the leading manager brings it in while the cluster runs. */
    readonly isFounder: boolean;
    readonly isWitness: boolean;
  })[];
  readonly env: Pick<Env, 'clock' | 'log'>;
  readonly timing: RaftTiming;
  /** Which member a client beside the managers asks. */
  readonly random: RandomStream;
  readonly taps: RaftTaps;
}

interface OpenMember {
  readonly store: RaftStore;
  readonly process: SimProcess;
}

/**
 * The store that managers replicate among themselves: the production driver, whose members speak
 * over the simulated network and write to the simulated disks of the managers' machines.
 */
export class RaftSimStore implements SimStore {
  readonly #options: RaftSimStoreOptions;
  readonly #ledger = new RaftLedger();
  readonly #open = new Map<string, OpenMember>();

  constructor(options: RaftSimStoreOptions) {
    this.#options = options;
  }

  get machine(): StateMachine {
    return this.#ledger.machine;
  }

  get leader(): string | null {
    const item = this.machine.get(leaderKey);
    if (item === null) return null;
    return (JSON.parse(item.value) as { readonly candidate: string }).candidate;
  }

  async prepare(writes: readonly Write[]): Promise<void> {
    this.#ledger.begin(writes);
    const { members, env } = this.#options;
    for (const { disk, isFounder, number, name } of members) {
      // As the package leaves it, long before the first start.
      await disk.makeDirectory('/var/lib/kennel', { mode: 0o700 });
      await disk.syncDirectory('/var/lib');
      if (isFounder) await this.#found(disk, { number, name });
      else {
        const place = { env: { ...env, disk }, directory: storeDirectory };
        await prepareMember(place, { number, name });
      }
    }
  }

  async open({ manager, env, process, onFatal }: StoreSeat): Promise<StoreOfSeat> {
    const seat: { store: RaftStore | null } = { store: null };
    process.onDeath(() => this.#open.delete(manager));
    const doors = splitListener(env.network, {
      couldBeFirst: (channel) => channel.peer.role === 'manager',
      isFirst: isHello,
    });
    const connect = env.network.connect.bind(env.network);
    const store = await openRaftStore({
      env: { ...env, network: { listen: doors.first.listen, connect } },
      directory: storeDirectory,
      clusterId: this.#options.clusterId,
      listen: addressOf(this.#member(manager)),
      isWitness: this.#member(manager).isWitness,
      onFatal,
      limits,
      timing: this.#options.timing,
      observer: this.#observer(manager, process, () => seat.store?.isLeading() === true),
    });
    seat.store = store;
    if (!process.dead) this.#open.set(manager, { store, process });
    const network = { listen: doors.other.listen, connect };
    return { store, membership: store.membership, network };
  }

  evaluate(): WriteOutcome {
    throw new Error('what the managers replicate is written by their processes alone');
  }

  /** Any member that runs, a different one each time. */
  client(): Store | null {
    const open = [...this.#open.values()];
    if (open.length === 0) return null;
    const { process, store } = this.#options.random.pick(open);
    return tiedStore(process, store);
  }

  proposedAtMs(revision: number): number | null {
    return this.#ledger.proposedAtMs(revision);
  }

  peers(manager: string): readonly string[] {
    const names = this.#options.members.map(({ name }) => name);
    return names.filter((name) => name !== manager);
  }

  cut(): void {}

  heal(): void {}

  makeNextWriteAmbiguous(): void {}

  expire(): boolean {
    return false;
  }

  forgetHistory(): void {}

  #member(manager: string): RaftSimStoreOptions['members'][number] {
    const found = this.#options.members.find(({ name }) => name === manager);
    if (found === undefined) throw new Error(`no member ${manager}`);
    return found;
  }

  /** A log that begins with the same snapshot on each founder, as if all had long been members. */
  async #found(
    disk: Disk,
    self: { readonly number: number; readonly name: string },
  ): Promise<void> {
    const { env, members } = this.#options;
    const owner = { clusterId: clusterId(this.#options.clusterId), nodeName: self.name };
    await disk.makeDirectory(storeDirectory, { mode: 0o700 });
    await disk.syncDirectory('/var/lib/kennel');
    const founders = members.filter(({ isFounder }) => isFounder);
    const list = founders.map(({ number, name, address }) => ({ number, name, address }));
    const conf = { ...noMembers.conf, voters: list.map(({ number }) => number) };
    const { log } = await openLog({
      ...env,
      disk,
      directory: storeDirectory,
      owner,
      segmentBytes: limits.segmentBytes ?? 0,
    });
    await log.saveSnapshot({
      ...beginning,
      chunks: encodeState(this.machine.freeze(), { conf, list }),
    });
    log.append({
      entries: [],
      hardState: { term: beginning.term, vote: 0, commit: beginning.index },
    });
    await log.sync();
    await log.close();
    await writeIdentity(disk, storeDirectory, { ...self, isJoining: false });
  }

  /** Tells what a member does; a dead process does nothing, although its code may still run. */
  #observer(member: string, process: SimProcess, leads: () => boolean): RaftObserver {
    const { taps, env } = this.#options;
    const ledger = this.#ledger;
    const run = process.name;
    const pending: { readonly entries: number; readonly vote: boolean }[] = [];
    let last = 0;
    process.onDeath((cause) => {
      taps.raftDied?.({
        cause,
        leads: leads(),
        entries: pending.some(({ entries }) => entries > 0),
        vote: pending.some(({ vote }) => vote),
      });
    });
    const alive = (act: () => void): void => {
      if (!process.dead) act();
    };
    return {
      restored: (from, index, machine) =>
        alive(() => {
          last = Math.max(last, index);
          const digest = digestOfState(machine);
          const expected = index === 0 ? 0 : ledger.digestAt(index);
          taps.raftRestored?.({ member, run, from, index, digest, expected });
        }),
      appending: ({ entries, vote }) =>
        alive(() => {
          pending.push({ entries: entries.length, vote });
          ledger.proposed(entries, env.clock.monotonicMs());
          const [first] = entries;
          if (first !== undefined && first.index <= last) taps.raftTailReplaced?.(member);
          last = entries.at(-1)?.index ?? last;
        }),
      durable: () => alive(() => void pending.shift()),
      applied: (entry) =>
        alive(() => {
          ledger.applied(entry);
          const { index, term } = entry;
          taps.raftApplied?.({ member, run, index, term, digest: digestOfEntry(entry) });
        }),
      elected: (term) => alive(() => taps.raftElected?.(member, term)),
      ...(taps.raftTrace === undefined
        ? {}
        : { trace: (event) => alive(() => taps.raftTrace?.(event)) }),
    };
  }
}

function addressOf({ address }: Member): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}
