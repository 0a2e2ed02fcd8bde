import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimDisk, type CrashOptions, type DiskStop } from '../../chaos/sim/disk.ts';
import { operationId, revision } from '../../src/core/model/ids.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { Store, Transaction, WriteOutcome } from '../../src/store/store.ts';
import { foundOn, openOn } from './solo-harness.ts';
import { pictureOf, picturesOf, samePicture, submitGroups, type Picture } from './workload.ts';

/*
 * Random workloads against random ends, several lives of one store in a row: each life stops at
 * some disk operation, by a crash of the process or of the machine, by a failed sync or by a full
 * disk. After each: the state is what some prefix of the submitted transactions makes, and the
 * prefix holds every acknowledged one.
 */

const limits = { segmentBytes: 1500, snapshotEntries: 7, reserveBytes: 1024, deadlineMs: 300 };

type Step = { readonly keys: readonly number[]; readonly deletes: boolean; readonly guess: number };

const anyStep: fc.Arbitrary<Step> = fc.record({
  keys: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
  deletes: fc.boolean(),
  /** A compared revision; most are wrong, so refusals are part of the history. */
  guess: fc.nat(12),
});

interface Life {
  readonly groups: readonly (readonly Step[])[];
  readonly stop: DiskStop;
  readonly end: 'kill' | CrashOptions;
  readonly fault: 'none' | 'failedSync' | 'failedWrite' | 'full';
}

const anyLife: fc.Arbitrary<Life> = fc.record({
  groups: fc.array(fc.array(anyStep, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 8,
  }),
  // Between a write and the end of its sync is where most is at stake.
  stop: fc.oneof(
    fc.record({ n: fc.integer({ min: 1, max: 90 }), takesEffect: fc.boolean() }),
    fc.record({
      n: fc.integer({ min: 1, max: 12 }),
      takesEffect: fc.boolean(),
      operation: fc.constant<'datasync'>('datasync'),
    }),
  ),
  end: fc.oneof(
    fc.constant<'kill'>('kill'),
    fc.record({
      content: fc.constantFrom('none', 'all', 'torn', 'random'),
      names: fc.constantFrom('none', 'all', 'random'),
    }),
  ),
  fault: fc.constantFrom('none', 'none', 'none', 'failedSync', 'failedWrite', 'full'),
});

function transactionOf(step: Step, id: string): Transaction {
  const [first = 0] = step.keys;
  const isGuarded = step.guess < 6;
  return {
    operation: operationId(id),
    compare: isGuarded ? [{ key: `k${first}`, target: 'mod', revision: revision(step.guess) }] : [],
    then: step.keys.map((key, position) =>
      step.deletes && position > 0
        ? { kind: 'delete', key: `k${key}` }
        : { kind: 'put', key: `k${key}`, value: `${id} ${'.'.repeat(step.guess * 40)}` },
    ),
  };
}

/** The history as far as it is certain, and what the last life added. */
class History {
  /** Transactions whose effect is known to be in the store, in order. */
  settled: readonly Transaction[] = [];
  answers: (WriteOutcome | undefined)[] = [];
  submitted: readonly Transaction[] = [];

  begin(transactions: readonly Transaction[]): void {
    this.submitted = transactions;
    this.answers = [];
  }

  /** Finds the prefix that explains what came back; throws when none does. */
  settle(found: Picture): void {
    const sent = this.submitted.filter((_, at) => !wasNotWritten(this.answers[at]));
    const pictures = picturesOf([...this.settled, ...sent]);
    const count = pictures.findLastIndex((picture) => samePicture(picture, found));
    const least = this.#certain(sent);
    if (count < this.settled.length + least) {
      throw new Error(`${count - this.settled.length} of at least ${least} writes came back`);
    }
    this.settled = [...this.settled, ...sent].slice(0, count);
  }

  /** How many of `sent` must be there: up to the last one that changed something and was answered. */
  #certain(sent: readonly Transaction[]): number {
    const pictures = picturesOf([...this.settled, ...sent]);
    let least = 0;
    for (const [at, transaction] of sent.entries()) {
      const answer = this.answers[this.submitted.indexOf(transaction)];
      if (answer?.kind !== 'committed') continue;
      const before = pictures[this.settled.length + at] ?? new Map();
      const after = pictures[this.settled.length + at + 1] ?? new Map();
      if (!samePicture(before, after)) least = at + 1;
    }
    return least;
  }
}

function wasNotWritten(answer: WriteOutcome | undefined): boolean {
  return answer?.kind === 'refused' && answer.because !== 'compare';
}

async function live(disk: SimDisk, life: Life, number: number, history: History): Promise<void> {
  const stopped = disk.stopAt(life.stop);
  const own = disk.attach(`life ${number}`);
  const over = new AbortController();
  await Promise.race([stopped, work({ disk, own, life, number, history, over: over.signal })]);
  // What is still under way in a dead process is nothing to anybody.
  over.abort();
  own.kill();
  disk.clearFaults();
  disk.setCapacity(Number.POSITIVE_INFINITY);
  if (life.end !== 'kill') disk.crash(life.end);
}

async function work({
  disk,
  own,
  life,
  number,
  history,
  over,
}: {
  readonly disk: SimDisk;
  readonly own: Disk;
  readonly life: Life;
  readonly number: number;
  readonly history: History;
  readonly over: AbortSignal;
}): Promise<void> {
  const store = await openOn(own, { limits, onFatal: () => undefined });
  // What an earlier life left in doubt is settled by reading, as the manager would do it.
  const found = await pictureOf(store);
  if (over.aborted) return;
  history.settle(found);
  let count = 0;
  const groups = life.groups.map((group) =>
    group.map((one) => {
      count += 1;
      return transactionOf(one, `life-${number}-${count}`);
    }),
  );
  history.begin(groups.flat());
  if (life.fault === 'failedSync') disk.inject({ operation: 'datasync', code: 'EIO', after: 3 });
  if (life.fault === 'failedWrite') disk.inject({ operation: 'write', code: 'EIO', after: 3 });
  if (life.fault === 'full') disk.setCapacity(disk.usedBytes + life.stop.n * 10);
  await submitGroups(store, groups, (position, outcome) => {
    if (!over.aborted) history.answers[position] = outcome;
  });
}

describe('random ends of a store', () => {
  test('A store that crashed holds all that it acknowledged, and the rest whole or not at all', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLife, { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        async (lives, draws) => {
          const fraction = (): number => draws.next().value ?? 0;
          const disk = new SimDisk({ fraction });
          const history = new History();
          await foundOn(disk);
          for (const [number, one] of lives.entries()) await live(disk, one, number, history);
          const store = await openOn(disk, { limits });
          history.settle(await pictureOf(store));
          await expectResolvable(store, history);
          await store.close();
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** I7: whoever got no answer reads the key and finds its operation, unless 8 others came since. */
async function expectResolvable(store: Store, history: History): Promise<void> {
  const last = history.settled.at(-1);
  if (last === undefined) return;
  const pictures = picturesOf(history.settled);
  const changed = !samePicture(pictures.at(-1) ?? new Map(), pictures.at(-2) ?? new Map());
  if (!changed) return;
  for (const write of last.then.filter((one) => one.kind === 'put')) {
    const { item } = await store.get(write.key);
    expect(item?.operations.at(-1)).toBe(last.operation);
  }
}
