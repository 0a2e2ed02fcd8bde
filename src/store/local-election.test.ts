import { expect, test } from 'vitest';
import { operationId } from '../core/model/ids.ts';
import { leaderKey } from './leadership-key.ts';
import { LocalElection } from './local-election.ts';
import { StateMachine } from './state-machine.ts';
import { StoreUnavailable, type Transaction, type WriteOutcome } from './store.ts';

type Answer = 'honest' | 'evaluatedButAmbiguous' | 'lost' | 'notSent';

/** A store that answers as told, one word per write, then honestly. */
function world(answers: Answer[] = []) {
  const machine = new StateMachine({ historyLimit: 10 });
  let alive = true;
  let count = 0;
  const evaluate = (transaction: Transaction): WriteOutcome => {
    const result = machine.apply(transaction);
    if (result.kind === 'committed') return result;
    return { kind: 'refused', because: 'compare', current: result.current, detail: '' };
  };
  const txn = (transaction: Transaction): Promise<WriteOutcome> => {
    const answer = answers.shift() ?? 'honest';
    const { operation } = transaction;
    if (answer === 'honest') return Promise.resolve(evaluate(transaction));
    if (answer === 'notSent') {
      return Promise.resolve({ kind: 'refused', because: 'notSent', current: [], detail: '' });
    }
    if (answer === 'evaluatedButAmbiguous') evaluate(transaction);
    return Promise.resolve({ kind: 'ambiguous', operation, detail: '' });
  };
  const pauses: (() => void)[] = [];
  const election = new LocalElection({
    store: {
      txn,
      get: (key) => Promise.resolve({ item: machine.get(key), revision: machine.revision }),
    },
    random: { fraction: () => 0, uuid: () => `id-${(count += 1)}` },
    timers: {
      after: (_delayMs, action) => {
        pauses.push(action);
        return { cancel: () => undefined };
      },
    },
    isAlive: () => alive,
  });
  const campaign = (candidate: string, signal = new AbortController().signal) =>
    election.campaign({ candidate, signal });
  const die = (): void => {
    alive = false;
    election.stop('the disk died');
  };
  return { machine, election, campaign, pauses, die };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test('an ambiguous claim that was committed is recognised, not made twice', async () => {
  const it = world(['evaluatedButAmbiguous']);
  const leader = await it.campaign('a');
  expect([it.machine.revision, leader.createRevision]).toEqual([1, 1]);
});

test('an ambiguous claim that was lost is made again', async () => {
  const it = world(['lost', 'lost']);
  const leader = await it.campaign('a');
  expect(it.machine.get(leaderKey)?.createRevision).toBe(leader.createRevision);
});

test('a leader key of an earlier process is taken over with a higher epoch', async () => {
  const it = world();
  const then = [{ kind: 'put', key: leaderKey, value: '{"candidate":"dead"}' }] as const;
  it.machine.apply({ operation: operationId('old'), compare: [], then });
  const leader = await it.campaign('a');
  expect(leader.epoch).toBe(2);
  expect(it.machine.get(leaderKey)).toMatchObject({
    value: '{"candidate":"a"}',
    createRevision: leader.createRevision,
  });
});

test('a claim that the store does not take is tried again after a pause', async () => {
  const it = world(['notSent']);
  const winning = it.campaign('a');
  await turns();
  expect(it.pauses).toHaveLength(1);
  it.pauses[0]?.();
  expect((await winning).isValid()).toBe(true);
});

test('an abort during that pause ends the campaign, and the next one is free', async () => {
  const it = world(['notSent']);
  const controller = new AbortController();
  const losing = it.campaign('a', controller.signal);
  await turns();
  controller.abort(new Error('enough'));
  await expect(losing).rejects.toThrow('enough');
  expect((await it.campaign('b')).isValid()).toBe(true);
});

test('candidates win in the order in which they came', async () => {
  const it = world();
  const first = await it.campaign('a');
  const order: string[] = [];
  const rest = ['b', 'c', 'd'].map(async (name) => {
    const leader = await it.campaign(name);
    order.push(name);
    await leader.resign();
  });
  await turns();
  expect(order).toEqual([]);
  await first.resign();
  await Promise.all(rest);
  expect(order).toEqual(['b', 'c', 'd']);
});

test('when the store dies the leader learns it and waiting candidates are turned away', async () => {
  const it = world();
  const leader = await it.campaign('a');
  const waiting = it.campaign('b');
  it.die();
  await expect(waiting).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(it.campaign('c')).rejects.toBeInstanceOf(StoreUnavailable);
  expect([leader.isValid(), leader.lost.aborted, await leader.confirm()]).toEqual([
    false,
    true,
    false,
  ]);
  await leader.resign();
});
