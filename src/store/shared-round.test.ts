import { expect, test } from 'vitest';
import { deferred, type Deferred } from './deferred.ts';
import { SharedRound } from './shared-round.ts';

function counted() {
  const begun: Deferred<number>[] = [];
  const round = new SharedRound(() => {
    const answer = deferred<number>();
    begun.push(answer);
    return answer.promise;
  });
  return { begun, round };
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

test('calls of one turn share a round that begins after them', async () => {
  const { begun, round } = counted();
  const answers = [round.join(), round.join()];
  expect(begun).toHaveLength(0);
  await turns();
  answers.push(round.join());
  expect(begun).toHaveLength(1);
  begun[0]?.resolve(1);
  expect(await Promise.all(answers.slice(0, 2))).toEqual([1, 1]);
  await turns();
  expect(begun).toHaveLength(2);
  begun[1]?.resolve(2);
  expect(await answers[2]).toBe(2);
});

test('a call during a round never gets the answer of that round', async () => {
  const { begun, round } = counted();
  const early = round.join();
  await turns();
  const late = [round.join(), round.join()];
  begun[0]?.resolve(1);
  await turns();
  begun[1]?.resolve(2);
  expect([await early, ...(await Promise.all(late))]).toEqual([1, 2, 2]);
  expect(begun).toHaveLength(2);
});

test('a round that fails fails its callers only; the next one runs', async () => {
  const { begun, round } = counted();
  const first = round.join();
  await turns();
  const second = round.join();
  begun[0]?.reject(new Error('no quorum'));
  await expect(first).rejects.toThrow('no quorum');
  await turns();
  begun[1]?.resolve(7);
  expect(await second).toBe(7);
});
