import { expect, test } from 'vitest';
import type { FenceOperation } from '../../src/core/model/fence-operation.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { VmRecord } from '../../src/core/model/vm.ts';
import { statusOf } from './final-state.ts';
import { namesFor } from './names.ts';
import { believedRecords, serviceRecords } from './seed.ts';
import { sampleScenario } from './testing/sample.ts';

const scenario = sampleScenario({
  initial_manager_state: {
    nodes: { a: 'fencing' },
    services: { 'vm:1': { node: 'a', status: 'awaiting-fence' } },
  },
});
const names = namesFor(scenario, () => 'id-1');
const [fresh] = serviceRecords(scenario, names);
const permit = {
  vm: vmId('id-1'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.agent'),
  token: token(1),
};

function vm(patch: Partial<VmRecord>): VmRecord {
  if (fresh === undefined) throw new Error('no record');
  return { ...fresh, ...patch };
}

function fence(phase: FenceOperation['phase']): FenceOperation {
  const incarnation = { id: permit.incarnation, bootId: 'boot', isolation: 'holding' };
  const proof = phase === 'proven' ? { kind: 'attested', actor: 'p', reason: 'r' } : null;
  return { kind: 'fence', phase, incarnation, proof } as unknown as FenceOperation;
}

test.each<readonly [string, VmRecord | null, readonly FenceOperation[]]>([
  ['removed-from-ha', null, []],
  ['unmanaged', vm({ desired: 'ignored', phase: 'running', permit }), []],
  ['stopped', vm({ desired: 'stopped' }), []],
  ['awaiting-placement', vm({}), []],
  ['active', vm({ phase: 'running', permit }), []],
  ['active', vm({ phase: 'running', permit }), [fence('cancelled')]],
  ['awaiting-fence', vm({ phase: 'running', permit }), [fence('acting')]],
  ['awaiting-placement', vm({ phase: 'running', permit }), [fence('proven')]],
  ['starting', vm({ phase: 'starting', permit }), []],
  ['error', vm({ phase: 'failed' }), []],
])('a record is told as %s', (status, record, fences) => {
  expect(statusOf(record, fences)).toBe(status);
});

test('a believed fence becomes an intent, and its services hold permits of that boot', () => {
  const node = { kind: 'node', id: nodeId('node-1'), phase: 'joining' } as never;
  const objects = believedRecords(scenario, [node], serviceRecords(scenario, names), names);
  expect(objects.map((object) => object.kind)).toEqual([
    'node',
    'fence',
    'failover',
    'vm',
    'counters',
  ]);
  expect(objects).toMatchObject([
    { phase: 'fencing', fence: 'F-1' },
    { phase: 'intent' },
    { outcome: 'open' },
    { phase: 'running', permit: { node: 'node-1', token: 1 }, spec: { nodes: [] } },
    { fence: 1 },
  ]);
});
