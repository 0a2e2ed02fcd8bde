import { expect, test } from 'vitest';
import type { AgentCommand } from '../src/api/schema/session.ts';
import { checkCommand } from './checks.ts';
import type { CheckView, CommandEnvelope, OperationStanding } from './checks.ts';
import { testSpec } from './testing/test-spec.ts';

const boot = '22222222-2222-4222-8222-222222222222';
const incarnation = `${boot}.0123456789ab`;
const earlier = `${boot}.ba9876543210`;
const otherBoot = '33333333-3333-4333-8333-333333333333.0123456789ab';
const vm = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';

const envelope: CommandEnvelope = { clusterId: 'c', epoch: 5, incarnation };

const view: CheckView = {
  clusterId: 'c',
  node: 'node-1',
  bootId: boot,
  incarnation,
  epochSeen: 5,
  tokenSeen: 3,
  lease: { untilMs: 10_000 },
  nowMs: 9999,
  standing: { kind: 'unknown' },
};

const permit = { vm, node: 'node-1', incarnation, token: 4 };
const start: AgentCommand = { kind: 'start', operation: 'op', permit, spec: testSpec('a') };
const write: AgentCommand = { kind: 'permit', operation: 'op', permit, previousToken: 3 };
const release: AgentCommand = {
  kind: 'release',
  operation: 'op',
  vm,
  incarnation,
  token: 3,
  graceMs: 0,
};
const inspect: AgentCommand = { kind: 'inspect', operation: 'op', vm };
const all = [start, write, release, inspect];
const starting = [start, write];

function verdictOf(
  command: AgentCommand,
  changes: { view?: Partial<CheckView>; envelope?: Partial<CommandEnvelope> } = {},
): string {
  const verdict = checkCommand(
    command,
    { ...envelope, ...changes.envelope },
    { ...view, ...changes.view },
  );
  return verdict.kind === 'refused' ? `refused ${verdict.because}` : verdict.kind;
}

test.each(all)('$kind: accepted when every check holds', (command) => {
  expect(verdictOf(command)).toBe('accept');
});

test.each(all)('$kind: refused when it is for another cluster', (command) => {
  expect(verdictOf(command, { envelope: { clusterId: 'd' } })).toBe('refused cluster');
});

test.each(all)('W17, M3: $kind of an older epoch is refused, of a newer one is not', (command) => {
  expect(verdictOf(command, { envelope: { epoch: 4 } })).toBe('refused epoch');
  expect(verdictOf(command, { envelope: { epoch: 6 } })).toBe('accept');
});

test.each(all)('$kind: refused when the message is for another incarnation', (command) => {
  const verdict = verdictOf(command, { envelope: { incarnation: earlier } });
  expect(verdict).toBe('refused incarnation');
});

test.each(starting)('$kind: refused when its permit is for another incarnation', (command) => {
  const foreign = { ...command, permit: { ...permit, incarnation: earlier } } as AgentCommand;
  expect(verdictOf(foreign)).toBe('refused incarnation');
});

test.each(starting)('$kind: refused when its permit is for another node', (command) => {
  const foreign = { ...command, permit: { ...permit, node: 'node-2' } } as AgentCommand;
  expect(verdictOf(foreign)).toBe('refused incarnation');
});

test.each(starting)('$kind: refused unless its token is newer than any seen', (command) => {
  expect(verdictOf(command, { view: { tokenSeen: 5 } })).toBe('refused token');
  expect(verdictOf(command, { view: { tokenSeen: 4 } })).toBe('refused token');
  expect(verdictOf(command, { view: { tokenSeen: null } })).toBe('accept');
});

test('a VM never seen accepts token 0', () => {
  const first = { ...start, permit: { ...permit, token: 0 } };
  expect(verdictOf(first, { view: { tokenSeen: null } })).toBe('accept');
});

test.each(starting)('$kind: refused without a lease, and from its very deadline on', (command) => {
  expect(verdictOf(command, { view: { lease: { untilMs: null } } })).toBe('refused lease');
  expect(verdictOf(command, { view: { nowMs: 10_000 } })).toBe('refused lease');
  expect(verdictOf(command, { view: { nowMs: 50_000 } })).toBe('refused lease');
});

test.each([release, inspect])('$kind: needs no lease, it only lessens what runs', (command) => {
  expect(verdictOf(command, { view: { lease: { untilMs: null } } })).toBe('accept');
});

test('a release of the token seen last is accepted, of an older one refused', () => {
  expect(verdictOf(release, { view: { tokenSeen: 3 } })).toBe('accept');
  expect(verdictOf(release, { view: { tokenSeen: 4 } })).toBe('refused token');
});

test('a release may name an earlier holder of this boot, not one of another boot', () => {
  expect(verdictOf({ ...release, incarnation: earlier })).toBe('accept');
  expect(verdictOf({ ...release, incarnation: otherBoot })).toBe('refused incarnation');
});

const ended: OperationStanding = { kind: 'ended', outcome: { kind: 'done' } };

test('a repeat of what is over gets its end, also without a lease and with its token seen', () => {
  const changes = { standing: ended, tokenSeen: 4, lease: { untilMs: null } };
  expect(checkCommand(start, envelope, { ...view, ...changes })).toEqual({
    kind: 'ended',
    outcome: { kind: 'done' },
  });
});

test('a repeat of what is under way is neither refused nor begun again', () => {
  const standing: OperationStanding = { kind: 'inFlight' };
  expect(verdictOf(start, { view: { standing, tokenSeen: 4 } })).toBe('inFlight');
});

test.each(starting)(
  '$kind whose effect was asked for is resolved, never refused as if nothing were done',
  (command) => {
    const standing: OperationStanding = { kind: 'unresolved' };
    const changes = { standing, tokenSeen: 4, lease: { untilMs: null } };
    expect(verdictOf(command, { view: changes })).toBe('resolve');
  },
);

test('an unresolved release is done again, unless a newer token was seen since', () => {
  const standing: OperationStanding = { kind: 'unresolved' };
  expect(verdictOf(release, { view: { standing } })).toBe('accept');
  expect(verdictOf(release, { view: { standing, tokenSeen: 4 } })).toBe('refused token');
});

test('an operation id that belongs to another command is refused', () => {
  expect(verdictOf(start, { view: { standing: { kind: 'foreign' } } })).toBe('refused conflict');
});

test.each<OperationStanding>([ended, { kind: 'inFlight' }, { kind: 'unresolved' }])(
  'a deposed leader learns nothing from a repeat, standing $kind',
  (standing) => {
    const verdict = verdictOf(start, { view: { standing }, envelope: { epoch: 4 } });
    expect(verdict).toBe('refused epoch');
  },
);
