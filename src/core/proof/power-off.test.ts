import { describe, expect, it } from 'vitest';
import type { PowerReading } from '../model/proof.ts';
import { powerOffVerdict, type PowerOffEvidence } from './power-off.ts';

const device = (id: string) => ({
  id,
  driver: 'test',
  settings: {},
  identity: `guid-${id}`,
  settleMs: 2000,
  outlet: `test ${id}`,
});
const read = (
  id: string,
  atMs: number,
  power: PowerReading['power'] = 'off',
  identity: string | null = `guid-${id}`,
): PowerReading => ({ device: id, atMs, power, identity });

const evidence = (change: Partial<PowerOffEvidence>): PowerOffEvidence => ({
  levels: [{ devices: [device('a')] }],
  readings: [read('a', 1000), read('a', 2000), read('a', 3000)],
  outstanding: false,
  distrusted: [],
  lastHeartbeatMs: 0,
  silentMs: 3000,
  ...change,
});

const holds = (change: Partial<PowerOffEvidence>): boolean =>
  powerOffVerdict(evidence(change)).kind === 'holds';

describe('the powerOff proof', () => {
  it('holds on three Off readings in a row over the settle time', () => {
    expect(powerOffVerdict(evidence({}))).toMatchObject({
      kind: 'holds',
      proof: { kind: 'powerOff', devices: [{ device: 'a', identity: 'guid-a' }] },
    });
  });

  it.each([
    ['two readings are too few', { readings: [read('a', 0), read('a', 3000)] }],
    [
      'three readings in less than the settle time are too early',
      { readings: [read('a', 1000), read('a', 1500), read('a', 2999)] },
    ],
    [
      'an On between them breaks the run',
      { readings: [read('a', 0), read('a', 1000, 'on'), read('a', 2000), read('a', 3000)] },
    ],
    [
      'an unknown between them breaks the run',
      { readings: [read('a', 0), read('a', 1000, 'unknown'), read('a', 2000), read('a', 3000)] },
    ],
    [
      'a transition is not Off',
      { readings: [1, 2, 3].map((n) => read('a', n * 1000, 'transition')) },
    ],
    [
      'another machine’s Off is none',
      { readings: [1, 2, 3].map((n) => read('a', n * 1000, 'off', 'x')) },
    ],
    [
      'an Off without the enrolled identity is none',
      { readings: [1, 2, 3].map((n) => read('a', n * 1000, 'off', null)) },
    ],
    ['a command in flight forbids it', { outstanding: true }],
    ['a device that lied is not believed', { distrusted: ['a'] }],
    ['a heartbeat after the readings forbids it', { lastHeartbeatMs: 3000 }],
    ['a heartbeat among the readings forbids it', { lastHeartbeatMs: 1500 }],
    ['without a device there is none', { levels: [] }],
    ['an empty level proves nothing', { levels: [{ devices: [] }] }],
  ] satisfies [string, Partial<PowerOffEvidence>][])('%s', (_, change) => {
    expect(holds(change)).toBe(false);
  });

  it('holds later although Off was read once before the last heartbeat', () => {
    const readings = [500, 1000, 2000, 3000].map((at) => read('a', at));
    expect(holds({ readings, lastHeartbeatMs: 500 })).toBe(true);
  });

  it('B16: a level of two supplies needs both of them Off', () => {
    const levels = [{ devices: [device('a'), device('b')] }];
    expect(holds({ levels })).toBe(false);
    const readings = ['a', 'b'].flatMap((id) => [1, 2, 3].map((n) => read(id, n * 1000)));
    expect(holds({ levels, readings })).toBe(true);
  });

  it('B16: the settle time of two supplies runs from the Off of the last of them', () => {
    const levels = [{ devices: [device('a'), device('b')] }];
    const at = (id: string, ...times: readonly number[]) => times.map((ms) => read(id, ms));
    const early = at('a', 0, 1000, 2000, 3000);
    // The first one was last read before the other went off: it may be on again since.
    expect(holds({ levels, readings: [...early, ...at('b', 4000, 5000, 6000)] })).toBe(false);
    const late = [...early, ...at('b', 4000, 5000, 6000), ...at('a', 5500)];
    expect(holds({ levels, readings: late })).toBe(false);
    expect(holds({ levels, readings: [...late, ...at('a', 6000)] })).toBe(true);
  });

  it('any level alone suffices', () => {
    const levels = [{ devices: [device('b')] }, { devices: [device('a')] }];
    expect(holds({ levels })).toBe(true);
  });
});
