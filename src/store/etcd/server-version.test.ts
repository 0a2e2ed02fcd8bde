import { expect, test } from 'vitest';
import { versionRemark } from './server-version.ts';

test.each([
  ['3.3.27', true],
  ['2.3.8', true],
  ['4.0.0', true],
  ['', true],
  ['3.4.0', false],
  ['3.4.23', false],
])('etcd %s is remarked on; refused: %s', (version, isRefusal) => {
  expect(versionRemark(version)?.isRefusal).toBe(isRefusal);
});

test.each(['3.5.0', '3.5.21', '3.6.0-rc.1', '3.10.2'])('etcd %s is fine', (version) => {
  expect(versionRemark(version)).toBeNull();
});
