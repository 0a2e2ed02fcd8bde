import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { budgets } from './budgets.ts';
import type { FenceErrorCode } from './driver.ts';
import { driversOf } from './registry.ts';
import { FakeDevice, fakeDriver } from './testing/fake-device.ts';
import { type FenceTrial, startTrial } from './testing/fence-trial.ts';
import { VirtualEnv } from './testing/virtual-env.ts';

const codes: readonly FenceErrorCode[] = [
  'UNREACHABLE',
  'TIMEOUT',
  'BMC_BUSY',
  'STATE',
  'BMC_ERROR',
  'AUTH_PASSWORD',
  'PRIVILEGE',
  'SESSION_LIMIT',
  'UNKNOWN',
];

/** What may befall a device while it is being fenced. */
const fault = fc.record({
  atMs: fc.integer({ min: 0, max: 90_000 }),
  what: fc.oneof(
    fc.constantFrom(...codes).map((code) => ({ kind: 'fails', code }) as const),
    fc.constant({ kind: 'heals' } as const),
    fc.integer({ min: 5, max: 30_000 }).map((latencyMs) => ({ kind: 'slow', latencyMs }) as const),
    fc
      .constantFrom('on' as const, 'off' as const)
      .map((power) => ({ kind: 'turns', power }) as const),
    fc.constant({ kind: 'swapped' } as const),
    fc.constant({ kind: 'ignoresOff' } as const),
  ),
});
const deviceFaults = fc.array(fault, { maxLength: 8 });

type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never;

function apply(device: FakeDevice, { what }: Fault): void {
  switch (what.kind) {
    case 'fails':
      device.failure = () => what.code;
      break;
    case 'heals':
      device.failure = () => null;
      device.latencyMs = () => 40;
      break;
    case 'slow':
      device.latencyMs = () => what.latencyMs;
      break;
    case 'turns':
      device.power = what.power;
      break;
    case 'swapped':
      device.identity = 'guid-of-another';
      break;
    case 'ignoresOff':
      device.effect = () => {};
      break;
  }
}

/** What must never be seen of one device. */
function violations(trial: FenceTrial, device: FakeDevice): readonly string[] {
  const found: string[] = [];
  const check = (holds: boolean, text: string): void => {
    if (!holds) found.push(`${device.id}: ${text}`);
  };
  const attempts = trial.attempts.filter((attempt) => attempt.device === device.id);
  const readings = trial.readings.filter((reading) => reading.device === device.id);
  const startedMs = ({ at }: (typeof attempts)[number]): number =>
    Date.parse(at) - Date.UTC(2030, 0, 1);
  const endedMs = (attempt: (typeof attempts)[number]): number =>
    startedMs(attempt) + attempt.durationMs;

  check(device.count('off') === attempts.length, 'a command is not on record');
  check(device.mostInFlight <= 1, 'two calls at once');
  for (const [index, attempt] of attempts.entries()) {
    const before = attempts.slice(0, index);
    const previous = before.at(-1);
    if (previous === undefined) continue;
    const firstMs = endedMs(before[0] ?? previous);
    const wentOff = readings.some(
      ({ atMs, power }) => atMs >= firstMs && atMs <= startedMs(attempt) && power === 'off',
    );
    check(!wentOff, 'a command after it went off');
    const inTurn = before.every(({ outcome }) => outcome === 'rejected');
    const once =
      previous.outcome === 'unknown' &&
      before.filter(({ outcome }) => outcome !== 'rejected').length === 1;
    const waitedMs = startedMs(attempt) - endedMs(previous);
    const leastMs = inTurn ? 0 : once ? budgets.resendAfterMs : budgets.patientResendMs;
    check(waitedMs >= leastMs - 1, `sent again after ${waitedMs} ms`);
  }
  for (const [index, { call }] of device.calls.entries()) {
    const before = device.calls[index - 1]?.call;
    check(call !== 'off' || before === 'identity', 'off without reading the identity');
  }
  for (const attempt of attempts) {
    const last = readings.findLast(({ atMs }) => atMs <= startedMs(attempt));
    check(last?.power !== 'off', 'off to a device that reads Off');
  }
  for (const [index, { atMs, power, identity }] of readings.entries()) {
    check(atMs >= (readings[index - 1]?.atMs ?? 0), 'readings out of order');
    check(power !== 'off' || identity === `guid-${device.id}`, 'Off without the identity');
  }
  return found;
}

it('whatever befalls the devices, off is sent only when allowed, to the right device, and never blindly again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(deviceFaults, { minLength: 1, maxLength: 2 }), { maxLength: 3 }),
      fc.array(fc.boolean(), { maxLength: 6 }),
      fc.integer({ min: 1, max: 120_000 }),
      async (plan, answers, stopAtMs) => {
        const world = new VirtualEnv();
        const levels = plan.map((level, l) => level.map((_, d) => new FakeDevice(`d${l}${d}`)));
        const devices = levels.flat();
        let grants = 0;
        for (const [index, faults] of plan.flat().entries()) {
          const device = devices[index];
          if (device === undefined) throw new Error('plan and devices differ');
          for (const each of faults) {
            world.env.timers.after(each.atMs, () => apply(device, each));
          }
        }
        const trial = startTrial({
          env: world.env,
          drivers: driversOf([fakeDriver(devices)]),
          levels: levels.map((level) => ({ devices: level.map(({ record }) => record) })),
          mayAct: () => {
            const allowed = answers.shift() ?? true;
            if (allowed) grants += 1;
            return Promise.resolve(allowed);
          },
        });
        await world.advance(stopAtMs);
        await world.settle(trial.execution.stop(), 60_000);
        const callsAtStop = devices.map(({ calls }) => calls.length);
        await world.advance(60_000);

        expect(devices.map(({ calls }) => calls.length)).toEqual(callsAtStop);
        expect(devices.every(({ inFlight }) => inFlight === 0)).toBe(true);
        const found = devices.flatMap((device) => violations(trial, device));
        if (trial.attempts.length > 0 && grants === 0) found.push('sent without permission');
        expect(found).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});
