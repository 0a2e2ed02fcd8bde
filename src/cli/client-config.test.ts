import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { configCandidates, findClientConfig, writeClientConfig } from './client-config.ts';
import { fakeWorld } from './testing/fake-world.ts';

const valid = [
  'addresses: [10.0.0.10:7400]',
  'certificate: admin.crt',
  'key: keys/admin.key',
  'certificateAuthority: /etc/kennel/ca.crt',
].join('\n');

const places = { homeDirectory: '/home/ann', workingDirectory: '/work' };

test('without being told, three places are searched in their order', () => {
  expect(configCandidates({ ...places, variables: { XDG_CONFIG_HOME: '/xdg' } }, null)).toEqual([
    '/xdg/kennel/admin.yaml',
    '/home/ann/.config/kennel/admin.yaml',
    '/etc/kennel/admin.yaml',
  ]);
});

test('--config and $KENNEL_CONFIG name the only place, the option before the variable', () => {
  const variables = { KENNEL_CONFIG: 'env.yaml', XDG_CONFIG_HOME: '/xdg' };
  expect(configCandidates({ ...places, variables }, 'opt.yaml')).toEqual(['/work/opt.yaml']);
  expect(configCandidates({ ...places, variables }, null)).toEqual(['/work/env.yaml']);
});

test('the first file that exists is used, its paths count from where it lies', async () => {
  const world = fakeWorld({
    files: {
      '/home/ann/.config/kennel/admin.yaml': valid,
      '/etc/kennel/admin.yaml': 'addresses: [never:1]',
    },
  });
  expect(await findClientConfig(world, null)).toEqual({
    kind: 'ok',
    value: {
      path: '/home/ann/.config/kennel/admin.yaml',
      config: {
        addresses: ['10.0.0.10:7400'],
        certificate: '/home/ann/.config/kennel/admin.crt',
        key: '/home/ann/.config/kennel/keys/admin.key',
        certificateAuthority: '/etc/kennel/ca.crt',
      },
    },
  });
});

test('a place that was named and is empty is an error, and no other cluster is taken', async () => {
  const world = fakeWorld({ files: { '/etc/kennel/admin.yaml': valid } });
  const found = await findClientConfig(world, 'other.yaml');
  expect(found).toMatchObject({
    kind: 'problem',
    problem: { code: 'E_DATA_DIRECTORY', because: 'looked for /work/other.yaml' },
  });
});

describe('a configuration is refused with the reason', () => {
  test.each([
    ['not YAML', 'a: [', /./],
    ['no mapping', '- a', /not a YAML mapping/],
    ['an unknown field', `${valid}\naddres: x`, /addres is no field/],
    ['no key', valid.replace(/key: .*/, ''), /must name files/],
    ['no address', valid.replace(/addresses: .*/, ''), /either addresses/],
    ['one address that is no list', valid.replace(/\[(.*)\]/, '$1'), /either addresses/],
    ['both address and socket', `${valid}\nunixSockets: [/run/k.sock]`, /either addresses/],
    ['an address without a port', valid.replace(':7400', ''), /host:port/],
  ])('%s', async (_, text, because) => {
    const found = await findClientConfig(fakeWorld({ files: { '/work/c.yaml': text } }), 'c.yaml');
    if (found.kind === 'ok') throw new Error('it was accepted');
    expect(found.problem.code).toBe('E_DATA_DIRECTORY');
    expect(found.problem.because).toMatch(because);
  });
});

test('a socket takes the place of the address', async () => {
  const text = valid.replace('addresses: [10.0.0.10:7400]', 'unixSockets: [api.sock]');
  const found = await findClientConfig(fakeWorld({ files: { '/work/c.yaml': text } }), 'c.yaml');
  expect(found).toMatchObject({ value: { config: { unixSockets: ['/work/api.sock'] } } });
});

test('what is written is found again', async () => {
  const world = fakeWorld({});
  const { disk } = await world.env();
  const config = {
    addresses: ['10.0.0.10:7400'] as const,
    certificate: 'admin.crt',
    key: 'admin.key',
    certificateAuthority: 'ca.crt',
  };
  await writeClientConfig(disk, '/data/admin.yaml', config);
  expect(parse(world.files.get('/data/admin.yaml') ?? '')).toEqual(config);
  const found = await findClientConfig(world, '/data/admin.yaml');
  expect(found).toMatchObject({ value: { config: { key: '/data/admin.key' } } });
});
