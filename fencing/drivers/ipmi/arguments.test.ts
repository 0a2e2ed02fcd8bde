import { describe, expect, it } from 'vitest';
import { type IpmiCall, ipmiArguments, killDeadlineMs, readingWaitSeconds } from './arguments.ts';

const settings = { host: '10.0.0.11', port: 623, user: 'kennel' };
const off: IpmiCall = { verb: 'off', cipherSuite: 17, privilege: 'OPERATOR', waitSeconds: 5 };

describe('ipmiArguments', () => {
  it('builds the vector of a power command', () => {
    expect(ipmiArguments(settings, off).join(' ')).toBe(
      '-v -I lanplus -C 17 -L OPERATOR -N 5 -R 1 -H 10.0.0.11 -p 623 -U kennel -f /dev/stdin chassis power off',
    );
  });

  it.each([
    ['status', 'chassis power status'],
    ['on', 'chassis power on'],
    ['guid', 'mc guid dump'],
  ] as const)('ends with the words of %s', (verb, words) => {
    expect(ipmiArguments(settings, { ...off, verb }).join(' ')).toMatch(
      new RegExp(`stdin ${words}$`),
    );
  });
});

describe('killDeadlineMs', () => {
  it('is 2 s after ipmitool gives up by itself', () => {
    expect(killDeadlineMs({ ...off, verb: 'status', waitSeconds: 2 }, 60_000)).toBe(6000);
    expect(killDeadlineMs(off, 60_000)).toBe(17_000);
  });

  it('is never later than the time that was given', () => {
    expect(killDeadlineMs(off, 16_000)).toBe(16_000);
  });
});

describe('readingWaitSeconds', () => {
  it.each([
    [1000, 1],
    [6000, 2],
    [12_000, 5],
    [24_000, 11],
    [52_000, 25],
    [600_000, 25],
  ])('fits %i ms with %i s', (timeoutMs, seconds) => {
    expect(readingWaitSeconds(timeoutMs)).toBe(seconds);
  });
});
