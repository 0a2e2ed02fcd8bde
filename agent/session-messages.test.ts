import { expect, test } from 'vitest';
import type { JsonValue } from '../src/env/network.ts';
import { readManagerMessage } from './session-messages.ts';

const vm = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const cluster = '11111111-1111-4111-8111-111111111111';
const inspect = { kind: 'inspect', operation: 'op-1', vm };

function commands(...list: JsonValue[]): JsonValue {
  return { kind: 'commands', clusterId: cluster, epoch: 1, incarnation: 'boot.1', commands: list };
}

test('unknown fields are ignored', () => {
  const ack = { kind: 'ack', sequence: 1, epoch: 2, incarnation: 'boot.1', lease: true };
  expect(readManagerMessage({ ...ack, colour: 'red' })).toEqual(ack);
});

test('an unknown kind, or no object at all, cannot be read', () => {
  expect(readManagerMessage({ kind: 'hug' }).kind).toBe('unreadable');
  expect(readManagerMessage('hello').kind).toBe('unreadable');
  expect(readManagerMessage(null).kind).toBe('unreadable');
});

test('a bad envelope cannot be read, whatever it carries', () => {
  const bad = { kind: 'commands', clusterId: 'x', epoch: 1, incarnation: 'boot.1', commands: [] };
  expect(readManagerMessage(bad).kind).toBe('unreadable');
  expect(readManagerMessage({ kind: 'commands', commands: 'none' }).kind).toBe('unreadable');
});

test('a command of a newer version is told apart from those that can be read', () => {
  const newer = { kind: 'migrate', operation: 'op-2', vm };
  const nameless = { kind: 'migrate' };
  const message = readManagerMessage(commands(inspect, newer, nameless));
  if (message.kind !== 'commands') throw new Error(message.kind);
  expect(message.envelope).toEqual({ clusterId: cluster, epoch: 1, incarnation: 'boot.1' });
  expect(message.commands).toEqual([inspect]);
  expect(message.unreadable.map(({ operation }) => operation)).toEqual(['op-2', null]);
});
