import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type IpmiCall, ipmiArguments } from './arguments.ts';
import { parseIpmiSettings } from './settings.ts';

const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom(
    '-H',
    '-P',
    '-f',
    '--help',
    '-',
    ' ',
    '',
    '$(id)',
    'a b',
    'a\nb',
    '::1',
    '10.0.0.1',
  ),
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  fc.stringMatching(/^[!-~]{1,18}$/),
);

const call: fc.Arbitrary<IpmiCall> = fc.record({
  verb: fc.constantFrom('status' as const, 'off' as const, 'on' as const, 'guid' as const),
  cipherSuite: fc.constantFrom(0 as const, 3 as const, 17 as const),
  privilege: fc.constantFrom('OPERATOR' as const, 'ADMINISTRATOR' as const),
  waitSeconds: fc.integer({ min: 1, max: 20 }),
});

const names = ['-I', '-C', '-L', '-N', '-R', '-H', '-p', '-U', '-f'];

it('settings are refused, or take exactly their own two places in the vector', () => {
  let accepted = 0;
  fc.assert(
    fc.property(nasty, nasty, fc.integer(), call, (host, user, port, each) => {
      const parsed = parseIpmiSettings({ host, user, port: port & 0xffff || 623 });
      if (parsed.kind === 'invalid') return;
      accepted += 1;
      const vector = ipmiArguments(parsed.settings, each);
      expect(vector).toHaveLength(1 + 2 * names.length + 3);
      expect(names.map((_, index) => vector[1 + 2 * index])).toEqual(names);
      expect(vector[12]).toBe(host);
      expect(vector[16]).toBe(user);
      expect(vector[18]).toBe('/dev/stdin');
      expect(vector.filter((text) => text.startsWith('-'))).toEqual(['-v', ...names]);
      expect(vector.some((text) => /[\s\0]/.test(text))).toBe(false);
      expect(vector.slice(19).join(' ')).not.toMatch(/cycle|reset|soft/);
    }),
    { numRuns: 2000 },
  );
  expect(accepted).toBeGreaterThan(50);
});
