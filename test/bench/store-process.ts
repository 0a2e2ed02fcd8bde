import { clusterId } from '../../src/core/model/ids.ts';
import { realLog } from '../../src/env/real/log.ts';
import { realEnv } from '../../src/env/real/real-env.ts';
import type { NetworkAddress } from '../../src/env/network.ts';
import type { Credentials } from '../../src/pki/credentials.ts';
import { openEtcdStore } from '../../src/store/etcd/open-etcd-store.ts';
import { usualTimes, type EtcdEndpoint } from '../../src/store/etcd/settings.ts';
import type { Member } from '../../src/store/membership.ts';
import { createStore, openRaftStore, prepareMember } from '../../src/store/raft/open-raft-store.ts';
import type { RaftStore } from '../../src/store/raft/raft-store.ts';
import type { Store } from '../../src/store/store.ts';
import { load, write, type Load } from './store-load.ts';

/*
 * One process of the store bench: a manager's store without the manager, either a member of the
 * managers' own store or a client of an etcd. It does what its parent asks and dies with it.
 */

/** What the parent asks for; each is answered in order. */
export type Question =
  | {
      readonly kind: 'member';
      readonly directory: string;
      readonly credentials: Credentials;
      readonly member: Member;
      readonly listen: NetworkAddress;
      /** `found` makes the store, `join` a place in it; `again` opens what is there. */
      readonly how: 'found' | 'join' | 'again';
    }
  | { readonly kind: 'client'; readonly endpoints: readonly EtcdEndpoint[] }
  | { readonly kind: 'admit'; readonly member: Member }
  | { readonly kind: 'leads' }
  | { readonly kind: 'load'; readonly writers: number; readonly durationMs: number }
  /** Writes every few ms until one is acknowledged. */
  | { readonly kind: 'probe' };

/** Times by the monotonic clock of the machine, in ms. */
export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'leads'; readonly leads: boolean }
  | { readonly kind: 'load'; readonly load: Load }
  | { readonly kind: 'probe'; readonly electedMs: number | null; readonly writtenMs: number }
  | { readonly kind: 'failed'; readonly because: string };

const probeEveryMs = 5;
const cluster = clusterId('6a1f0c9e-0d5b-4b8e-9d2f-0f6f3a8b7c11');
const log = realLog({ level: 'warn' });

/** The same in all processes of this machine. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

let store: Store | null = null;
let member: RaftStore | null = null;

function opened<T>(value: T | null): T {
  if (value === null) throw new Error('nothing was opened yet');
  return value;
}

async function answer(question: Question): Promise<Answer> {
  switch (question.kind) {
    case 'member':
      member = await openMember(question);
      store = member;
      return { kind: 'done' };
    case 'client':
      store = await openEtcdStore({
        env: realEnv({ log }),
        clusterId: cluster,
        settings: { endpoints: question.endpoints, tls: null, user: null },
        times: usualTimes,
      });
      return { kind: 'done' };
    case 'admit':
      await admit(opened(member), question.member);
      return { kind: 'done' };
    case 'leads':
      return { kind: 'leads', leads: opened(member).isLeading() };
    case 'load':
      return {
        kind: 'load',
        load: await load(opened(store), question.writers, question.durationMs),
      };
    case 'probe':
      return probe(opened(store));
    default:
      return question satisfies never;
  }
}

async function openMember(question: Extract<Question, { kind: 'member' }>): Promise<RaftStore> {
  const { directory, credentials, listen } = question;
  const env = realEnv({ log, credentials: () => credentials });
  if (question.how === 'found') {
    await createStore({ env, directory, clusterId: cluster }, question.member);
  } else if (question.how === 'join') {
    await prepareMember({ env, directory }, question.member);
  }
  return openRaftStore({
    env,
    directory,
    clusterId: cluster,
    listen,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** Asks again until both changes are made: a learner has to catch up first. */
async function admit({ membership }: RaftStore, newcomer: Member): Promise<void> {
  const untilMs = machineMs() + 30_000;
  const steps = [() => membership.addLearner(newcomer), () => membership.promote(newcomer.number)];
  for (const step of steps) {
    while ((await step()).kind !== 'done') {
      if (machineMs() > untilMs) throw new Error(`${newcomer.name} could not be admitted`);
      await pause(20);
    }
  }
}

async function probe(on: Store): Promise<Answer> {
  const seen: { electedMs: number | null; writtenMs: number | null } = {
    electedMs: null,
    writtenMs: null,
  };
  const tryOnce = async (): Promise<void> => {
    // What fails for want of a leader is tried again by the next one.
    const isCommitted = await write(on, 'bench/probe').catch(() => false);
    if (isCommitted) seen.writtenMs ??= machineMs();
  };
  for (;;) {
    if (member?.isLeading() === true) seen.electedMs ??= machineMs();
    const { electedMs, writtenMs } = seen;
    if (writtenMs !== null) return { kind: 'probe', electedMs, writtenMs };
    void tryOnce();
    await pause(probeEveryMs);
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

if (process.send !== undefined) {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (question: Question) => {
    void answer(question)
      .catch((error: unknown): Answer => ({ kind: 'failed', because: String(error) }))
      .then((said) => process.send?.(said));
  });
}
