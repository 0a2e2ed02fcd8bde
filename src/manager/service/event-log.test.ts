import { describe, expect, test } from 'vitest';
import type { EventView } from '../../api/schema/views.ts';
import { StoreUnavailable, type Store } from '../../store/store.ts';
import { eventKey, eventSequence } from '../keys.ts';
import { caller, ManagerWorld, type ManagerSeat, type Seed } from '../testing/manager-world.ts';
import { newVm } from '../testing/test-objects.ts';

const event = (number: number): Seed => ({
  kind: 'put',
  key: eventKey(number),
  value: JSON.stringify({
    kind: 'event',
    code: `E${number}`,
    severity: 'info',
    node: null,
    vm: null,
    text: `event ${number}`,
    at: '2026-01-01T00:00:00.000Z',
  }),
});

async function eventBench(from: number, to: number, wrapStore?: (store: Store) => Store) {
  const world = new ManagerWorld({ latencyMs: 1 });
  for (let first = from; first <= to; first += 500) {
    const last = Math.min(to, first + 499);
    await world.seed(...Array.from({ length: last - first + 1 }, (_, at) => event(first + at)));
  }
  const seat = await world.lead('m-1', wrapStore === undefined ? {} : { wrapStore });
  const after = (sequence: number, limit = 1000, of: ManagerSeat = seat) =>
    world.ask(of, (service) => service.events(sequence, limit));
  const follow = (sequence: number, of: ManagerSeat = seat) => {
    const seen: EventView[] = [];
    const stop = of.manager.service.watchEvents(sequence, (view) => seen.push(view));
    return { seen, stop, sequences: () => seen.map((view) => view.sequence) };
  };
  const make = async (name: string, of: ManagerSeat = seat) => {
    const body = newVm(name, { desired: 'stopped' });
    await world.ask(of, (service) => service.createVm(body, caller()));
  };
  return { world, seat, after, follow, make };
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('event keys', () => {
  test('sort as their numbers do', () => {
    const numbers = [1, 9, 10, 99, 100, 123_456, 999_999_999_999];
    expect(numbers.map(eventKey).toSorted()).toEqual(numbers.map(eventKey));
    expect(numbers.map((number) => eventSequence(eventKey(number)))).toEqual(numbers);
  });
});

describe('the last events', () => {
  test('are the same whether few are read one by one or many are listed', async () => {
    const it = await eventBench(101, 300);
    const last = async (before: number | null, limit: number) =>
      (await it.world.ask(it.seat, (service) => service.lastEvents(before, limit))).map(
        (view) => view.sequence,
      );
    expect(await last(null, 3)).toEqual([298, 299, 300]);
    expect(await last(298, 3)).toEqual([295, 296, 297]);
    expect(await last(null, 150)).toEqual(range(151, 300));
    expect(await last(151, 150)).toEqual(range(101, 150));
    expect(await last(103, 10)).toEqual([101, 102]);
    expect(await last(101, 10)).toEqual([]);
  });
});

describe('events after a number', () => {
  test('come oldest first, from the one that follows', async () => {
    const it = await eventBench(1, 10);
    expect((await it.after(7)).map((view) => view.sequence)).toEqual([8, 9, 10]);
    expect((await it.after(7))[0]).toMatchObject({ code: 'E8', text: 'event 8' });
    expect(await it.after(10)).toEqual([]);
    expect(await it.after(99)).toEqual([]);
  });

  test('are the same whether few are read one by one or many are listed', async () => {
    const it = await eventBench(1, 200);
    const sequences = async (from: number, limit: number) =>
      (await it.after(from, limit)).map((view) => view.sequence);
    for (const from of [0, 100, 134, 135, 136, 137, 199]) {
      expect(await sequences(from, 50)).toEqual(range(from + 1, Math.min(200, from + 50)));
    }
  });

  test('begin with the oldest that is kept', async () => {
    const it = await eventBench(500, 520);
    expect((await it.after(0)).map((view) => view.sequence)).toEqual(range(500, 520));
    expect((await it.after(490)).map((view) => view.sequence)).toEqual(range(500, 520));
  });

  test('are told by a manager that does not lead, too', async () => {
    const it = await eventBench(1, 3);
    const follower = await it.world.startManager('m-2');
    expect((await it.after(1, 1000, follower)).map((view) => view.sequence)).toEqual([2, 3]);
  });

  test('are a problem while the store does not answer', async () => {
    let isAway = false;
    const it = await eventBench(1, 3, (store) => ({
      ...store,
      get: (key) => (isAway ? Promise.reject(new StoreUnavailable('no quorum')) : store.get(key)),
    }));
    isAway = true;
    expect(await it.world.refused(it.seat, (service) => service.events(0, 10))).toMatchObject({
      code: 'E_UNAVAILABLE',
      because: 'no quorum',
    });
  });
});

describe('whoever follows', () => {
  test('hears what was, and then what happens, each once and in order', async () => {
    const it = await eventBench(1, 5);
    const follower = it.follow(2);
    await it.world.run(100);
    expect(follower.sequences()).toEqual([3, 4, 5]);
    await it.make('db');
    await it.make('web');
    await it.world.run(100);
    expect(follower.sequences()).toEqual([3, 4, 5, 6, 7]);
    expect(follower.seen.at(-1)?.code).toBe('VM_CREATED');
  });

  test('hears more than a page', async () => {
    const it = await eventBench(1, 2500);
    const follower = it.follow(0);
    await it.world.run(500);
    expect(follower.sequences()).toEqual(range(1, 2500));
  });

  test('hears nothing more once it stops, not even the rest of a page', async () => {
    const it = await eventBench(1, 20);
    const seen: number[] = [];
    const stop = it.seat.manager.service.watchEvents(0, (view) => {
      seen.push(view.sequence);
      if (view.sequence === 5) stop();
    });
    await it.make('db');
    await it.world.run(100);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test('does not keep others from hearing', async () => {
    const it = await eventBench(1, 3);
    const followers = [it.follow(0), it.follow(2), it.follow(3)];
    await it.make('db');
    await it.world.run(100);
    expect(followers.map((follower) => follower.sequences())).toEqual([[1, 2, 3, 4], [3, 4], [4]]);
  });

  test('misses nothing over changes of leadership and lost answers', async () => {
    const it = await eventBench(1, 1);
    const follower = it.follow(0);
    let made = 0;
    for (const trouble of ['none', 'evaluated', 'lost', 'newEpoch', 'none', 'newEpoch'] as const) {
      if (trouble === 'newEpoch') {
        it.world.store.expire('m-1');
        await it.world.run(50);
      } else if (trouble !== 'none') {
        it.world.store.makeNextWriteAmbiguous('m-1', trouble);
      }
      made += 1;
      await it.make(`vm-${made}`);
    }
    await it.world.run(1000);
    expect(follower.sequences()).toEqual(range(1, made + 1));
  });

  test('hears what the last leadership wrote without an answer as soon as there is a next', async () => {
    let isAway = false;
    const it = await eventBench(1, 1, (store) => ({
      ...store,
      txn: async (transaction) => {
        const outcome = await store.txn(transaction);
        if (!isAway) return outcome;
        return { kind: 'ambiguous', operation: transaction.operation, detail: 'no answer' };
      },
    }));
    const follower = it.follow(1);
    isAway = true;
    const body = newVm('db', { desired: 'stopped' });
    expect(
      await it.world.refused(it.seat, (service) => service.createVm(body, caller())),
    ).toMatchObject({ code: 'E_AMBIGUOUS' });
    isAway = false;
    await it.world.until(() => follower.seen.length > 0, 2000);
    expect(follower.seen).toMatchObject([{ sequence: 2, code: 'VM_CREATED' }]);
  });

  test('hears what it missed while the store did not answer, with the next event', async () => {
    let isAway = false;
    const it = await eventBench(1, 1, (store) => ({
      ...store,
      get: (key) => (isAway ? Promise.reject(new StoreUnavailable('no quorum')) : store.get(key)),
    }));
    const follower = it.follow(1);
    isAway = true;
    await it.make('db');
    await it.world.run(100);
    expect(follower.seen).toEqual([]);
    expect(it.world.log.lines('warn').join()).toContain('events could not be read');
    isAway = false;
    await it.make('web');
    await it.world.run(100);
    expect(follower.sequences()).toEqual([2, 3]);
  });
});
