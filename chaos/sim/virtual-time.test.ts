import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { VirtualTime } from './virtual-time.ts';

test('events run in order of time, and of scheduling where times are equal', async () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  time.schedule(20, () => seen.push('late'));
  time.schedule(10, () => seen.push('first of two'));
  time.schedule(10, () => seen.push('second of two'));
  time.schedule(-5, () => seen.push('at once'));
  await time.run(100);
  expect(seen).toEqual(['at once', 'first of two', 'second of two', 'late']);
  expect(time.nowMs).toBe(100);
});

test('every microtask of an event has run before the next event, however long its chain', async () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  const deep = async (): Promise<void> => {
    for (let step = 0; step < 20_000; step += 1) await Promise.resolve();
    seen.push('end of the chain');
  };
  let pending = Promise.resolve();
  time.schedule(1, () => {
    pending = deep();
  });
  time.schedule(1, () => seen.push('next event'));
  await time.run(1);
  await pending;
  expect(seen).toEqual(['end of the chain', 'next event']);
});

test('microtasks that were pending before the run come before its first event', async () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  time.schedule(0, () => seen.push('event'));
  const started = Promise.resolve()
    .then(() => null)
    .then(() => seen.push('microtask'));
  await time.run(0);
  await started;
  expect(seen).toEqual(['microtask', 'event']);
});

test('code that awaits a timer goes on at that very instant', async () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  const work = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => time.schedule(5, resolve));
      seen.push(time.nowMs);
    }
  };
  const done = work();
  await time.run(1000);
  await done;
  expect(seen).toEqual([5, 10, 15]);
});

test('a cancelled event does not run, also when it is cancelled at its own instant', async () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  const victim = time.schedule(10, () => seen.push('victim'));
  time.schedule(5, () => victim.cancel());
  const twin = time.schedule(20, () => twin.cancel());
  time.schedule(20, () => seen.push('other'));
  await time.run(50);
  expect(seen).toEqual(['other']);
  expect(time.pending).toBe(0);
});

test('run includes its limit and leaves later events alone', async () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  for (const at of [9, 10, 10.001]) time.schedule(at, () => seen.push(at));
  await time.run(10);
  expect(seen).toEqual([9, 10]);
  expect(time.pending).toBe(1);
});

test('runUntil stops at the event that fulfils it, or at its limit', async () => {
  const time = new VirtualTime();
  let count = 0;
  const beat = (): void => {
    count += 1;
    time.schedule(10, beat);
  };
  time.schedule(10, beat);
  expect(await time.runUntil(() => count === 3, 1000)).toBe(true);
  expect(time.nowMs).toBe(30);
  expect(await time.runUntil(() => false, 45)).toBe(false);
  expect(time.nowMs).toBe(75);
  expect(count).toBe(7);
});

test('step runs one event and tells when there is none', async () => {
  const time = new VirtualTime();
  time.schedule(3, () => {});
  expect(await time.step()).toBe(true);
  expect(time.nowMs).toBe(3);
  expect(await time.step()).toBe(false);
});

test('an exception of an event fails the run, and the next run goes on', async () => {
  const time = new VirtualTime();
  time.schedule(1, () => {
    throw new Error('bug in the simulated code');
  });
  time.schedule(2, () => {});
  await expect(time.run(10)).rejects.toThrow('bug in the simulated code');
  await time.run(10);
  expect(time.executed).toBe(2);
});

test('a run within a run is refused', async () => {
  const time = new VirtualTime();
  let inner: unknown = null;
  time.schedule(1, () => {
    time.run(5).catch((error: unknown) => {
      inner = error;
    });
  });
  await time.run(10);
  expect(String(inner)).toContain('already running');
});

test('real input and output during a run fails it, with the kind and the place', async () => {
  const time = new VirtualTime();
  let read: Promise<unknown> = Promise.resolve();
  time.schedule(1, () => {
    read = readFile('/proc/self/stat');
  });
  await expect(time.run(10)).rejects.toThrow(/real asynchronous work started: FS/);
  await read;
});

test('a real timer during a run fails it', async () => {
  const time = new VirtualTime();
  time.schedule(1, () => clearTimeout(setTimeout(() => {}, 1)));
  await expect(time.run(10)).rejects.toThrow('real asynchronous work started: Timeout');
});

test('a rejection that nobody handles fails the run', async () => {
  const time = new VirtualTime();
  const doomed = async (): Promise<void> => {
    await new Promise<void>((resolve) => time.schedule(1, resolve));
    throw new Error('nobody waits for this');
  };
  void doomed();
  await expect(time.run(10)).rejects.toThrow('nobody waits for this');
  await time.run(20);
});

test('a rejection that is handled is no matter', async () => {
  const time = new VirtualTime();
  let heard = '';
  const doomed = new Promise<void>((_resolve, reject) =>
    time.schedule(1, () => reject(new Error('expected'))),
  );
  doomed.catch((error: unknown) => {
    heard = String(error);
  });
  await time.run(10);
  expect(heard).toBe('Error: expected');
});

test('events that repeat without time moving on fail the run', async () => {
  const time = new VirtualTime({ guard: false });
  const again = (): void => {
    time.schedule(0, again, time.label('spinner'));
  };
  time.schedule(7, again);
  await expect(time.run(10)).rejects.toThrow('time stands still: spinner repeats at 7 ms');
});

test('the hash tells apart another time, another order, another label and another note', async () => {
  const hashOf = async (build: (time: VirtualTime) => void): Promise<string> => {
    const time = new VirtualTime();
    build(time);
    await time.run(100);
    return time.hash();
  };
  const nothing = (): void => {};
  const variants: ((time: VirtualTime) => void)[] = [
    (time) => time.schedule(10, nothing, time.label('a')),
    (time) => time.schedule(10.001, nothing, time.label('a')),
    (time) => time.schedule(10, nothing, time.label('b')),
    (time) => {
      time.schedule(10, nothing, time.label('a'));
      time.mix(1);
    },
    (time) => {
      time.schedule(11, nothing, time.label('a'));
      time.schedule(10, nothing, time.label('a'));
    },
    (time) => {
      time.schedule(10, nothing, time.label('a'));
      time.schedule(11, nothing, time.label('a'));
    },
  ];
  const hashes = await Promise.all(variants.map((build) => hashOf(build)));
  expect(new Set(hashes).size).toBe(variants.length);
  expect(await Promise.all(variants.map((build) => hashOf(build)))).toEqual(hashes);
});

test('the trace tells the last events, oldest first', async () => {
  const time = new VirtualTime({ traceLength: 2 });
  for (const at of [1, 2, 3]) time.schedule(at, () => {}, time.label(`event ${at}`));
  await time.run(10);
  expect(time.trace()).toEqual([
    { atMs: 2, sequence: 2, label: 'event 2' },
    { atMs: 3, sequence: 3, label: 'event 3' },
  ]);
});
