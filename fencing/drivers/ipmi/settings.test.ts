import { describe, expect, it } from 'vitest';
import { parseIpmiSettings, passwordProblem } from './settings.ts';

const good = { host: 'bmc-1.example', user: 'kennel' };

function problems(input: unknown): readonly string[] {
  const parsed = parseIpmiSettings(input);
  return parsed.kind === 'invalid' ? parsed.problems : [];
}

describe('parseIpmiSettings', () => {
  it('fills in the port and leaves the suite to the probe', () => {
    expect(parseIpmiSettings(good)).toEqual({
      kind: 'ok',
      settings: { host: 'bmc-1.example', user: 'kennel', port: 623 },
    });
  });

  it.each(['10.0.0.11', 'fd00::11', 'fe80::1%eth0', 'BMC_1', 'a.b.c.', 'xn--bmc-1'])(
    'takes the host %s',
    (host) => {
      expect(problems({ ...good, host })).toEqual([]);
    },
  );

  it.each([
    '-H',
    '',
    'a b',
    'a;b',
    '$(id)',
    'a\nb',
    '-1.example',
    'a..b',
    'host:623',
    'x'.repeat(254),
  ])('refuses the host %j', (host) => {
    expect(problems({ ...good, host })).toEqual([expect.stringMatching(/^host: .*bmc-1/)]);
  });

  it.each(['-U', '', 'two words', 'tab\tuser', 'ümlaut', 'seventeen-letters'])(
    'refuses the user %j',
    (user) => {
      expect(problems({ ...good, user })).toEqual([expect.stringMatching(/^user: .*kennel/)]);
    },
  );

  it.each([0, 65_536, 1.5, '623', null])('refuses the port %j', (port) => {
    expect(problems({ ...good, port })).toEqual([expect.stringMatching(/^port: .*623/)]);
  });

  it('refuses suite 0, which needs no password', () => {
    expect(problems({ ...good, cipherSuite: 0 })).toEqual([expect.stringContaining('cipherSuite')]);
    expect(problems({ ...good, cipherSuite: 3 })).toEqual([]);
    expect(problems({ ...good, cipherSuite: 17 })).toEqual([]);
  });

  it('refuses a password among the settings, and says where it belongs', () => {
    expect(problems({ ...good, password: 'x' })).toEqual([expect.stringContaining('secret')]);
  });

  it('names every missing field', () => {
    expect(problems({})).toHaveLength(2);
    expect(problems('bmc')).not.toEqual([]);
  });
});

describe('passwordProblem', () => {
  it.each([undefined, '', 'x'.repeat(21), 'ü'.repeat(11), 'line\nbreak', 'nul\0'])(
    'refuses %j',
    (password) => {
      expect(passwordProblem(password)).toMatch(/^password: /);
    },
  );

  it.each(['s3cret', 'x'.repeat(20), '-f /etc/passwd', '$(id) `id`'])('takes %j', (password) => {
    expect(passwordProblem(password)).toBeNull();
  });
});
