import { beforeAll, expect, test } from 'vitest';
import { createAuthority } from '../pki/authority.ts';
import type { Credentials } from '../pki/credentials.ts';
import { issueCredentials } from '../pki/leaf.ts';
import { loadClientCredentials } from './client-credentials.ts';
import { fakeWorld } from './testing/fake-world.ts';

const clusterId = '0c9a3f0a-3b52-4a55-9a86-0d3c8b8f0000';
const config = {
  certificate: '/c/admin.crt',
  key: '/c/admin.key',
  certificateAuthority: '/c/ca.crt',
};

let ann: Credentials;
let bob: Credentials;
let foreignAuthority: string;

async function issue(name: string, nowIso: string) {
  const authority = await createAuthority({ clusterId, nowIso });
  const issued = await issueCredentials(authority, { clusterId, role: 'admin', name, nowIso });
  if (issued.kind === 'problem') throw new Error(issued.problem.because);
  return issued.value;
}

beforeAll(async () => {
  // The clock of the fake world.
  const nowIso = '2026-11-22T09:41:00.000Z';
  ann = await issue('ann', nowIso);
  bob = await issue('bob', nowIso);
  foreignAuthority = bob.caPem;
});

async function load(replaced: Readonly<Record<string, string | null>>) {
  const files: Record<string, string> = {
    [config.certificate]: ann.certificatePem,
    [config.key]: ann.keyPem,
    [config.certificateAuthority]: ann.caPem,
  };
  for (const [path, text] of Object.entries(replaced)) {
    if (text === null) delete files[path];
    else files[path] = text;
  }
  return loadClientCredentials(await fakeWorld({ files }).env(), config);
}

test('three files that belong together say who asks, and of which cluster', async () => {
  expect(await load({})).toMatchObject({
    kind: 'ok',
    value: { clusterId, role: 'admin', name: 'ann' },
  });
});

test('a missing file is named', async () => {
  expect(await load({ [config.key]: null })).toMatchObject({
    problem: { code: 'E_DATA_DIRECTORY', because: 'there is no such file' },
  });
});

test.each([
  ['a key of somebody else', () => ({ [config.key]: bob.keyPem }), 'it is not the key of'],
  ['a key that is none', () => ({ [config.key]: 'hello' }), 'it is not the key of'],
  ['no certificate', () => ({ [config.certificate]: 'hello' }), 'no certificate in it'],
  [
    'another authority',
    () => ({ [config.certificateAuthority]: foreignAuthority }),
    'not issued by the authority',
  ],
])('%s is refused before anything is sent', async (_, replaced, because) => {
  const loaded = await load(replaced());
  if (loaded.kind === 'ok') throw new Error('it was accepted');
  expect(loaded.problem.code).toBe('E_CERTIFICATE');
  expect(loaded.problem.because).toContain(because);
});
