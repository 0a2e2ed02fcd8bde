import { expect, test } from 'vitest';
import { LabError } from './lab-error.ts';
import { bmcAddress, derivedUuid, labLayout, managerAddress, nodeAddress } from './layout.ts';

test('labs in different directories share no name', () => {
  const one = labLayout({ directory: '/nowhere/one' });
  const two = labLayout({ directory: '/nowhere/two' });
  expect(one.id).not.toBe(two.id);
  expect(one.fabricNamespace).toBe(`${one.id}-fab`);
});

test('one directory always gives the same names', () => {
  expect(labLayout({ directory: '/nowhere/a/../one' })).toEqual(
    labLayout({ directory: '/nowhere/one' }),
  );
});

test('nodes, BMCs, managers and storage have addresses of their own', () => {
  const layout = labLayout({ directory: '/nowhere/one', subnet: '10.9.8' });
  expect(nodeAddress(layout, 3)).toBe('10.9.8.3');
  expect(bmcAddress(layout, 3)).toBe('10.9.8.103');
  expect(managerAddress(layout, 3)).toBe('10.9.8.203');
  expect(layout.storageAddress).toBe('10.9.9.254');
});

test('a derived UUID is stable, of version 4, and differs from thing to thing', () => {
  const layout = labLayout({ directory: '/nowhere/one' });
  const uuid = derivedUuid(layout, 'node-1');
  expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(derivedUuid(layout, 'node-1')).toBe(uuid);
  expect(derivedUuid(layout, 'node-2')).not.toBe(uuid);
});

test.each([
  ['a directory that is too long for unix sockets', { directory: `/${'x'.repeat(80)}` }],
  ['a directory with a blank', { directory: '/nowhere/my lab' }],
  ['a prefix that is too long', { directory: '/nowhere/one', prefix: 'verylong' }],
  ['a prefix that begins with a digit', { directory: '/nowhere/one', prefix: '1a' }],
  ['a subnet of four octets', { directory: '/nowhere/one', subnet: '10.77.0.0' }],
  ['a subnet that leaves no room for storage', { directory: '/nowhere/one', subnet: '10.7.255' }],
])('%s is refused', (_what, options) => {
  expect(() => labLayout(options)).toThrow(LabError);
});
