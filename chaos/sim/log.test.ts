import { expect, test } from 'vitest';
import { LogRing } from './log.ts';
import { VirtualTime } from './virtual-time.ts';

test('the ring keeps the newest lines, oldest first', () => {
  const ring = new LogRing(new VirtualTime(), 3);
  const log = ring.from('node-1 agent');
  for (const message of ['one', 'two', 'three', 'four']) log.info({}, message);
  expect(ring.entries().map((entry) => entry.message)).toEqual(['two', 'three', 'four']);
});

test('a line tells when, how bad, who, what, and the fields of its parents', async () => {
  const time = new VirtualTime();
  const ring = new LogRing(time);
  await time.run(1234.5);
  ring
    .from('m-1 manager')
    .child({ node: 'node-1' })
    .warn({ fence: 'F-1', err: new Error('no route'), ms: 5 }, 'fencing');
  expect(ring.lines()).toEqual([
    '    1.234500 warn  m-1 manager: fencing node=node-1 fence=F-1 err=no route ms=5',
  ]);
});

test('lines below a level are left out on request', () => {
  const ring = new LogRing(new VirtualTime());
  const log = ring.from('x');
  log.debug({}, 'd');
  log.info({}, 'i');
  log.error({}, 'e');
  expect(ring.entries('warn').map((entry) => entry.message)).toEqual(['e']);
  expect(ring.entries('info').map((entry) => entry.message)).toEqual(['i', 'e']);
});

test('a line changes the hash of the run', () => {
  const hashWith = (message: string): string => {
    const time = new VirtualTime();
    new LogRing(time).from('x').info({}, message);
    return time.hash();
  };
  expect(hashWith('a')).not.toBe(hashWith('b'));
  expect(hashWith('a')).toBe(hashWith('a'));
});
