import { beforeAll, expect, test } from 'vitest';
import { DiskError, type Disk } from '../env/disk.ts';
import { createAuthority } from './authority.ts';
import {
  credentialsOfParts,
  loadAuthority,
  loadCredentials,
  saveAuthority,
  saveCredentials,
} from './credential-files.ts';
import type { CertificateAuthority, Credentials } from './credentials.ts';
import { issueCredentials } from './leaf.ts';

const clusterId = '6a1f0c9e-0d5b-4b8e-9d2f-0f6f3a8b7c11';
const nowIso = '2026-11-22T12:00:00.000Z';
const path = '/etc/kennel/identity.pem';

/** The two calls that matter here, in memory. */
function memoryDisk(): { disk: Disk; files: Map<string, { text: string; mode: number }> } {
  const files = new Map<string, { text: string; mode: number }>();
  const some: Pick<Disk, 'read' | 'replace'> = {
    read: async (name) => {
      if (name === '/forbidden') throw new DiskError('EACCES', name, 'permission denied');
      const file = files.get(name);
      return file === undefined ? null : Buffer.from(file.text);
    },
    replace: async (name, bytes, { mode }) => {
      files.set(name, { text: Buffer.from(bytes).toString(), mode });
    },
  };
  return { disk: some as Disk, files };
}

let authority: CertificateAuthority;
let credentials: Credentials;
beforeAll(async () => {
  authority = await createAuthority({ clusterId, nowIso });
  const issued = await issueCredentials(authority, {
    clusterId,
    role: 'agent',
    name: 'node-1',
    nowIso,
  });
  if (issued.kind === 'problem') throw new Error(issued.problem.because);
  credentials = issued.value;
});

test('credentials are read back as they were saved, from a file only its owner may read', async () => {
  const { disk, files } = memoryDisk();
  await saveCredentials(disk, path, credentials);
  expect(await loadCredentials(disk, path, nowIso)).toEqual({ kind: 'ok', value: credentials });
  await saveAuthority(disk, '/ca.pem', authority);
  expect(await loadAuthority(disk, '/ca.pem')).toEqual({ kind: 'ok', value: authority });
  expect([...files.values()].map((file) => file.mode)).toEqual([0o600, 0o600]);
});

test('a file that is absent or forbidden says which and what to do', async () => {
  const { disk } = memoryDisk();
  expect(await loadCredentials(disk, path, nowIso)).toMatchObject({
    problem: { code: 'E_DATA_DIRECTORY', because: 'there is no such file' },
  });
  expect(await loadCredentials(disk, '/forbidden', nowIso)).toMatchObject({
    problem: { code: 'E_DATA_DIRECTORY', because: 'EACCES: permission denied' },
  });
});

test('parts that do not belong together are refused, and no key is repeated', async () => {
  const { disk } = memoryDisk();
  const other = await createAuthority({ clusterId, nowIso });
  for (const wrong of [
    { ...credentials, keyPem: other.keyPem },
    { ...credentials, keyPem: '' },
    { ...credentials, caPem: '' },
    { ...credentials, caPem: other.certificatePem },
    { ...credentials, certificatePem: '' },
  ]) {
    await saveCredentials(disk, path, wrong);
    const loaded = await loadCredentials(disk, path, nowIso);
    expect(loaded).toMatchObject({ kind: 'problem', problem: { code: 'E_CERTIFICATE' } });
    expect(JSON.stringify(loaded)).not.toContain('PRIVATE');
  }
  await saveCredentials(disk, path, credentials);
  expect(await loadCredentials(disk, path, '2030-01-01T00:00:00.000Z')).toMatchObject({
    problem: { code: 'E_CERTIFICATE' },
  });
});

test('credentials that were kept in three files are put together, in whatever they are wrapped', () => {
  const { certificatePem, keyPem, caPem } = credentials;
  const wrapped = { certificatePem: certificatePem + caPem, keyPem: `note\n${keyPem}`, caPem };
  expect(credentialsOfParts(wrapped, 'admin.yaml', nowIso)).toEqual({
    kind: 'ok',
    value: credentials,
  });
  for (const missing of ['certificatePem', 'keyPem', 'caPem']) {
    expect(credentialsOfParts({ ...wrapped, [missing]: '' }, 'admin.yaml', nowIso)).toMatchObject({
      problem: { code: 'E_CERTIFICATE', what: expect.stringContaining('admin.yaml') },
    });
  }
});
