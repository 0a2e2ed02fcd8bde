import { afterEach, expect, test } from 'vitest';
import { OperatorBench } from '../testing/operator-bench.ts';
import { again, Controller, done, type Reconciled } from './controller.ts';

let bench = new OperatorBench();
afterEach(() => {
  bench.ending.abort();
  bench = new OperatorBench();
});

function start(reconcile: (key: string) => Promise<Reconciled>, keys: readonly string[] = []) {
  const controller = new Controller({
    env: bench.env,
    name: 'things',
    store: { keys: () => keys },
    reconcile,
    workers: 2,
  });
  return { controller, ended: controller.run(bench.ending.signal) };
}

test('an object whose look failed is looked at again, and others are not kept waiting', async () => {
  const looks: string[] = [];
  const { controller } = start((key) => {
    looks.push(key);
    return key === 'bad' && looks.length < 4
      ? Promise.reject(new Error('no answer'))
      : Promise.resolve(done);
  });
  controller.queue.add('bad');
  controller.queue.add('good');
  await bench.until(() => looks.filter((key) => key === 'bad').length >= 3);
  expect(looks.filter((key) => key === 'good')).toEqual(['good']);
  expect(controller.failures).toBeGreaterThanOrEqual(1);
});

test('one object is in the hands of one worker at a time', async () => {
  let running = 0;
  let most = 0;
  const { controller } = start(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => {
      bench.time.schedule(100, resolve);
    });
    running -= 1;
    return done;
  });
  for (let n = 0; n < 5; n += 1) {
    controller.queue.add('same');
    await bench.time.runFor(30);
  }
  await bench.time.runFor(1000);
  expect(most).toBe(1);
});

test('an object that asks for another look gets it after that time', async () => {
  const atMs: number[] = [];
  const { controller } = start(() => {
    atMs.push(bench.time.nowMs);
    return Promise.resolve(atMs.length < 2 ? again(5000) : done);
  });
  controller.queue.add('a');
  await bench.until(() => atMs.length === 2);
  expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBe(5000);
});

test('everything is looked at again about every ten minutes, whatever the watches said', async () => {
  const looks: string[] = [];
  const keys = Array.from({ length: 250 }, (_, n) => `ns/${n}`);
  start((key) => {
    looks.push(key);
    return Promise.resolve(done);
  }, keys);
  await bench.time.runFor(8 * 60_000);
  expect(looks.length).toBe(0);
  await bench.time.runFor(4 * 60_000);
  expect(new Set(looks).size).toBe(250);
});

test('it ends when what was begun has ended', async () => {
  let isOver = false;
  const { controller, ended } = start(async () => {
    await new Promise<void>((resolve) => {
      bench.time.schedule(1000, resolve);
    });
    isOver = true;
    return done;
  });
  controller.queue.add('a');
  await bench.time.runFor(10);
  bench.ending.abort();
  await bench.wait(ended);
  expect(isOver).toBe(true);
});
