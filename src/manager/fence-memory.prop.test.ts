import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FenceLevel } from '../core/model/node.ts';
import type { PowerReading } from '../core/model/proof.ts';
import { powerOffVerdict } from '../core/proof/power-off.ts';
import { withReading } from './fence-memory.ts';
import { fakeDevice } from './testing/test-objects.ts';

const devices = ['a', 'b', 'c'] as const;

const anyReading = fc.record({
  device: fc.constantFrom(...devices),
  power: fc.constantFrom('off', 'off', 'off', 'off', 'on', 'unknown'),
  count: fc.integer({ min: 1, max: 200 }),
});

/** Whether the readings prove a level of these devices, each with its own settle time. */
function proves(readings: readonly PowerReading[], level: readonly string[], settleMs: number) {
  const levels: readonly FenceLevel[] = [
    { devices: level.map((id) => fakeDevice('n', { id, identity: `guid-${id}`, settleMs })) },
  ];
  const evidence = { levels, readings, outstanding: false, distrusted: [], silentMs: 0 };
  return powerOffVerdict({ ...evidence, lastHeartbeatMs: null }).kind === 'holds';
}

test('what is kept of the readings proves what all of them would prove', () => {
  fc.assert(
    fc.property(fc.array(anyReading, { minLength: 1, maxLength: 12 }), (phases) => {
      let kept: readonly PowerReading[] = [];
      const all: PowerReading[] = [];
      for (const { device, power, count } of phases) {
        for (let index = 0; index < count; index += 1) {
          const atMs = all.length * 500;
          const reading = { device, power, atMs, identity: `guid-${device}` };
          all.push(reading);
          kept = withReading(kept, reading);
        }
        expect(kept.at(-1)).toBe(all.at(-1));
        for (const settleMs of [500, 60_000, 300_000]) {
          for (const level of [[device], devices]) {
            expect(proves(kept, level, settleMs)).toBe(proves(all, level, settleMs));
          }
        }
      }
      expect(kept.length).toBeLessThanOrEqual(64 * devices.length);
    }),
    { numRuns: 30 },
  );
});

test('what is kept is in order and was read', () => {
  let kept: readonly PowerReading[] = [];
  const all: PowerReading[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const device = devices[index % devices.length] ?? 'a';
    const reading = { device, power: 'off', atMs: index, identity: null } as const;
    all.push(reading);
    kept = withReading(kept, reading);
  }
  expect(kept.map((one) => one.atMs)).toEqual([0, 1, 2, ...all.slice(-189).map((one) => one.atMs)]);
});
