import { expect, test } from 'vitest';
import { testVm } from '../../src/api/server/test-service.ts';
import { differences, doubles, parseList } from './walk-compare.ts';

const table = ` 1    vm-1   running
 -    vm-2   shut off
 12   vm-3   in shutdown

`;

test('the table of virsh is read, also states of two words', () => {
  expect(parseList('node-1', table)).toEqual([
    { node: 'node-1', name: 'vm-1', state: 'running' },
    { node: 'node-1', name: 'vm-2', state: 'shut off' },
    { node: 'node-1', name: 'vm-3', state: 'in shutdown' },
  ]);
});

const vm = (change: object) => ({ ...testVm, name: 'vm-1', ...change });
const on = (node: string, state: string, name = 'vm-1') => ({ node, name, state });

test.each([
  ['runs where it is told', vm({ state: 'running' }), [on('node-1', 'running')], 0],
  ['runs elsewhere', vm({ state: 'running' }), [on('node-2', 'running')], 1],
  ['runs nowhere', vm({ state: 'running' }), [], 1],
  ['is paused, told as running', vm({ state: 'running' }), [on('node-1', 'paused')], 1],
  [
    'left a definition',
    vm({ state: 'running' }),
    [on('node-1', 'running'), on('node-2', 'shut off')],
    1,
  ],
  ['is off and gone', vm({ state: 'stopped', node: null }), [], 0],
  ['is off and defined', vm({ state: 'stopped', node: null }), [on('node-1', 'shut off')], 1],
  ['is on its way', vm({ state: 'starting' }), [on('node-1', 'running')], 1],
  [
    'is not known',
    vm({ state: 'running' }),
    [on('node-1', 'running'), on('node-1', 'running', 'x')],
    1,
  ],
  ['is left to people, off', vm({ desired: 'ignored' }), [on('node-3', 'shut off')], 0],
  [
    'is left to people, twice',
    vm({ desired: 'ignored' }),
    [on('node-3', 'running'), on('node-2', 'running')],
    1,
  ],
] as const)('a VM that %s', (_, view, domains, expected) => {
  expect(differences({ vms: [view] }, domains)).toHaveLength(expected);
});

test('two active copies are told at any time, a definition is no copy', () => {
  expect(doubles([on('node-1', 'running'), on('node-2', 'paused')])).toEqual([
    'vm-1 is active on node-1 (running) and node-2 (paused)',
  ]);
  expect(doubles([on('node-1', 'running'), on('node-2', 'shut off')])).toEqual([]);
});
