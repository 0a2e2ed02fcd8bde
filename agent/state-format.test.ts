import fc from 'fast-check';
import { expect, test } from 'vitest';
import { begun, decodeState, encodeState, ended, pruned, raised } from './state-format.ts';
import type { AgentState, JournalEntry } from './state-format.ts';

const entry: JournalEntry = {
  operation: 'op-1',
  kind: 'start',
  vm: 'vm-a',
  token: 7,
  incarnation: 'boot.1',
};

const state: AgentState = {
  clusterId: 'c',
  node: 'node-1',
  bootId: 'boot',
  incarnation: 'boot.1',
  epoch: 3,
  tokens: new Map([
    ['vm-a', 6],
    ['vm-b', 2],
  ]),
  journal: [],
};

test('a state is read back as it was written', () => {
  const written = begun(state, 4, entry);
  expect(decodeState(encodeState(written))).toEqual({ kind: 'ok', state: written });
});

test('the file is readable by people', () => {
  const text = new TextDecoder().decode(encodeState(state));
  expect(text).toMatch(/^kennel-agent-state 1 [0-9a-f]{8}\n\{\n "clusterId": "c",/);
});

test('a file with any byte changed or its end missing is found damaged', () => {
  const bytes = encodeState(begun(state, 4, entry));
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: bytes.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (at, mask) => {
        const changed = bytes.map((byte, index) => (index === at ? byte ^ mask : byte));
        expect(decodeState(changed).kind).toBe('damaged');
        expect(decodeState(bytes.subarray(0, at)).kind).toBe('damaged');
      },
    ),
  );
});

test('content of another shape is damage even under a right checksum', () => {
  const odd = encodeState({ ...state, epoch: -1 });
  expect(decodeState(odd).kind).toBe('damaged');
});

test('an epoch or a token is never lowered', () => {
  const same = raised(state, { epoch: 1, vm: 'vm-a', token: 4 });
  expect(same.epoch).toBe(3);
  expect(same.tokens.get('vm-a')).toBe(6);
  expect(raised(state, { epoch: 9, vm: 'vm-a', token: 8 }).tokens.get('vm-a')).toBe(8);
});

test('a command under way carries its epoch and token; its end leaves them', () => {
  const after = ended(begun(state, 4, entry), 'op-1');
  expect(after.journal).toEqual([]);
  expect(after.epoch).toBe(4);
  expect(after.tokens.get('vm-a')).toBe(7);
});

test('of very many VMs the ones changed last are remembered', () => {
  const tokens = new Map(Array.from({ length: 5000 }, (_, index) => [`vm-${index}`, index]));
  const kept = pruned(raised({ ...state, tokens }, { epoch: 0, vm: 'vm-0', token: 1 })).tokens;
  expect(kept.size).toBe(4096);
  expect(kept.has('vm-0')).toBe(true);
  expect(kept.has('vm-1')).toBe(false);
});
