import { expect, test } from 'vitest';
import { parseCompareOptions } from './compare-options.ts';
import { parseFailoverOptions } from './failover-options.ts';

test('without options one VM fails over once, as the product comes', () => {
  expect(parseFailoverOptions([])).toMatchObject({
    vms: 1,
    runs: 1,
    profile: 'default',
    settleMs: 2000,
    bmcDelayMs: 0,
    victim: 'node3',
    crash: 'power',
    proof: 'bmc',
    json: null,
  });
});

test.each([
  [['--vms', '0'], '--vms 0'],
  [['--vms', '1e3'], '--vms 1e3'],
  [['--settle', '50'], '--settle 50'],
  [['--profile', 'quick'], 'not one of fast, default, conservative'],
  [['--proof', 'pdu', '--crash', 'power'], '--proof pdu'],
  [['--proof', 'watchdog', '--crash', 'cut'], 'no device here resets a node that runs on'],
  [['--victim', 'leader'], 'there is one manager'],
  [['--victim', 'node1'], 'there is one manager'],
])('%j is refused', (argv, because) => {
  expect(() => parseFailoverOptions(argv)).toThrow(because);
});

test('a comparison takes each product as it comes and tuned', () => {
  const options = parseCompareOptions(['--vms', '1,100'], '/src/kennel');
  expect(options.contestants.map((each) => each.name)).toEqual([
    'kennel-default',
    'pacemaker-default',
    'kennel-fast',
    'pacemaker-token1000',
  ]);
  expect(options.vms).toEqual([1, 100]);
  expect(options.pacemaker).toBe('/src/shared/bench/pacemaker');
  expect(() => parseCompareOptions(['--of', 'ganeti'], '/src/kennel')).toThrow('--of ganeti');
});
