import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentCommand } from '../src/api/schema/session.ts';
import { checkCommand } from './checks.ts';
import type { CheckView, CommandEnvelope, OperationStanding } from './checks.ts';
import { testSpec } from './testing/test-spec.ts';

const vm = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const small = fc.integer({ min: 0, max: 5 });
const boot = fc.constantFrom('boot-a', 'boot-b');
const incarnation = fc.constantFrom('boot-a.1', 'boot-a.2', 'boot-b.1');
const node = fc.constantFrom('node-1', 'node-2');
const cluster = fc.constantFrom('c', 'd');
const permit = fc.record({ vm: fc.constant(vm), node, incarnation, token: small });
const operation = fc.constant('op');

const command: fc.Arbitrary<AgentCommand> = fc.oneof(
  fc.record({
    kind: fc.constant('start' as const),
    operation,
    permit,
    spec: fc.constant(testSpec('a')),
  }),
  fc.record({
    kind: fc.constant('permit' as const),
    operation,
    permit,
    previousToken: fc.option(small),
  }),
  fc.record({
    kind: fc.constant('release' as const),
    operation,
    vm: fc.constant(vm),
    incarnation,
    token: small,
    graceMs: fc.constant(0),
  }),
  fc.record({ kind: fc.constant('inspect' as const), operation, vm: fc.constant(vm) }),
);

const envelope: fc.Arbitrary<CommandEnvelope> = fc.record({
  clusterId: cluster,
  epoch: small,
  incarnation,
});

const standing: fc.Arbitrary<OperationStanding> = fc.constantFrom<OperationStanding>(
  { kind: 'unknown' },
  { kind: 'inFlight' },
  { kind: 'unresolved' },
  { kind: 'foreign' },
  { kind: 'ended', outcome: { kind: 'done' } },
);

const view: fc.Arbitrary<CheckView> = fc.record({
  clusterId: cluster,
  node,
  bootId: boot,
  incarnation,
  epochSeen: small,
  tokenSeen: fc.option(small),
  lease: fc.record({ untilMs: fc.option(small) }),
  nowMs: small,
  standing,
});

test('an accepted start or permit meets every rule of DESIGN 2.3', () => {
  fc.assert(
    fc.property(command, envelope, view, (given, from, seen) => {
      if (checkCommand(given, from, seen).kind !== 'accept') return;
      expect(from.clusterId).toBe(seen.clusterId);
      expect(from.incarnation).toBe(seen.incarnation);
      expect(from.epoch).toBeGreaterThanOrEqual(seen.epochSeen);
      if (given.kind !== 'start' && given.kind !== 'permit') return;
      expect(given.permit.node).toBe(seen.node);
      expect(given.permit.incarnation).toBe(seen.incarnation);
      expect(given.permit.token).toBeGreaterThan(seen.tokenSeen ?? -1);
      expect(seen.nowMs).toBeLessThan(seen.lease.untilMs ?? 0);
      expect(seen.standing.kind).toBe('unknown');
    }),
    { numRuns: 2000 },
  );
});

test('nothing of another cluster, incarnation or an older epoch gets more than a refusal', () => {
  fc.assert(
    fc.property(command, envelope, view, (given, from, seen) => {
      const fits =
        from.clusterId === seen.clusterId &&
        from.incarnation === seen.incarnation &&
        from.epoch >= seen.epochSeen;
      if (fits) return;
      expect(checkCommand(given, from, seen).kind).toBe('refused');
    }),
    { numRuns: 2000 },
  );
});

test('what is refused stays refused as epochs and tokens grow and time passes', () => {
  fc.assert(
    fc.property(command, envelope, view, small, small, small, (given, from, seen, a, b, c) => {
      if (checkCommand(given, from, seen).kind !== 'refused') return;
      const later: CheckView = {
        ...seen,
        epochSeen: seen.epochSeen + a,
        tokenSeen: seen.tokenSeen === null ? null : seen.tokenSeen + b,
        nowMs: seen.nowMs + c,
      };
      expect(checkCommand(given, from, later).kind).toBe('refused');
    }),
    { numRuns: 2000 },
  );
});
