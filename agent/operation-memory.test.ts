import { expect, test } from 'vitest';
import type { AgentCommand } from '../src/api/schema/session.ts';
import { OperationMemory } from './operation-memory.ts';

function release(operation: string, vm = 'vm-a'): AgentCommand {
  return { kind: 'release', operation, vm, incarnation: 'boot.1', token: 1, graceMs: 0 };
}

test('the end of an operation is remembered, an unknown end as unresolved', () => {
  const memory = new OperationMemory();
  memory.record(release('op-1'), { kind: 'done' });
  memory.record(release('op-2'), { kind: 'ambiguous', detail: '' });
  expect(memory.standing(release('op-1'))).toEqual({ kind: 'ended', outcome: { kind: 'done' } });
  expect(memory.standing(release('op-2'))).toEqual({ kind: 'unresolved' });
  expect(memory.standing(release('op-3'))).toEqual({ kind: 'unknown' });
});

test('a refusal is not remembered: nothing was done', () => {
  const memory = new OperationMemory();
  memory.record(release('op-1'), { kind: 'refused', because: 'lease', detail: '' });
  expect(memory.standing(release('op-1'))).toEqual({ kind: 'unknown' });
});

test('an id that was used for another VM or kind is foreign', () => {
  const memory = new OperationMemory();
  memory.record(release('op-1'), { kind: 'done' });
  expect(memory.standing(release('op-1', 'vm-b'))).toEqual({ kind: 'foreign' });
  const inspect: AgentCommand = { kind: 'inspect', operation: 'op-1', vm: 'vm-a' };
  expect(memory.standing(inspect)).toEqual({ kind: 'foreign' });
});

test('many operations are forgotten from the oldest on, but never the last one of a VM', () => {
  const memory = new OperationMemory();
  memory.record(release('only', 'vm-b'), { kind: 'done' });
  for (let count = 0; count < 1000; count += 1) {
    memory.record(release(`op-${count}`), { kind: 'done' });
  }
  expect(memory.standing(release('only', 'vm-b')).kind).toBe('ended');
  expect(memory.standing(release('op-0')).kind).toBe('unknown');
  expect(memory.standing(release('op-800')).kind).toBe('ended');
});
