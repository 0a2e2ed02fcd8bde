import { expect, test } from 'vitest';
import { sampleFile, sampleService } from './testing/sample.ts';
import { scenarioSchema } from './schema.ts';
import type { Scenario } from './schema.ts';
import { verdictOf } from './verdict.ts';

/*
 * What the neutral format says of desired states, limits and node failures, alone and together. The
 * nodes are a, b and c; `vm:1` belongs to a. Expectations come from the format's text.
 */

type Json = Readonly<Record<string, unknown>>;
type Service = Scenario['expect']['final']['services'][string];

interface Variant {
  /** Of `vm:1`; more services follow from `more`. */
  readonly service?: Json;
  readonly more?: readonly Json[];
  readonly timeline: readonly Json[];
  readonly fenced?: readonly string[];
  /** `[from, to]` of the moves of `vm:1`. */
  readonly moves?: readonly (readonly [string, string])[];
  /** Nodes on which `vm:1` comes up after t = 0, in order. */
  readonly starts?: readonly string[];
  readonly startsOfOthers?: readonly string[];
  readonly final: Partial<Service> & { readonly node: string };
  readonly others?: Readonly<Record<string, Partial<Service> & { readonly node: string }>>;
  readonly error?: readonly string[];
  readonly missing?: readonly string[];
  readonly rules?: readonly Json[];
  readonly off?: boolean;
  readonly endT?: number;
  readonly kennel?: Json;
}

const at = (t: number, action: string, rest: Json): Json => ({ t_seconds: t, action, ...rest });
const node = (t: number, verb: string, name: string): Json => at(t, `node.${verb}`, { node: name });
const agent = (t: number, name: string): Json => at(t, 'agent.restart', { node: name });
const desire = (t: number, desired: string, service = 'vm:1'): Json =>
  at(t, 'service.set_desired', { service, desired });
const everyNode = (t: number, verb: string): readonly Json[] =>
  ['a', 'b', 'c'].map((name) => node(t, verb, name));

const running = { managed: true, instance: 'running', status: 'active' } as const;
const off = { managed: true, instance: 'stopped', status: 'stopped' } as const;
const error = { managed: true, instance: 'stopped', status: 'error' } as const;
const ignored = { managed: false, instance: 'running', status: 'unmanaged' } as const;

function scenarioOf(title: string, variant: Variant): Scenario {
  const power = variant.off === true ? 'off' : 'on';
  const initial = { power, network: power };
  const more = (variant.more ?? []).map((one) => ({ ...sampleService('', 'b'), ...one }));
  const expected = sampleFile()['expect'] as Json;
  const proven = (variant.fenced ?? []).map((name) => ({ node: name, t: 0 }));
  return scenarioSchema.parse(
    sampleFile({
      id: title,
      title,
      cluster: { nodes: ['a', 'b', 'c'].map((name) => ({ name, initial })), policies: {} },
      services: [sampleService('vm:1', 'a', variant.service), ...more],
      rules: variant.rules ?? [],
      timeline: variant.timeline,
      end_t: variant.endT ?? 300,
      ...(variant.kennel === undefined ? {} : { 'x-kennel': variant.kennel }),
      expect: {
        ...expected,
        fence_requested: proven,
        fence_confirmed: proven,
        fenced_nodes_in_order: variant.fenced ?? [],
        moves: (variant.moves ?? []).map(([from, to]) => ({
          t: 0,
          service: 'vm:1',
          kind: 'recover',
          cause: 'node-failure',
          from,
          to,
        })),
        starts: [
          ...(variant.starts ?? []).map((name) => ({ t: 0, service: 'vm:1', node: name })),
          ...(variant.startsOfOthers ?? []).map((id) => ({ t: 0, service: id, node: 'b' })),
        ],
        bounds: [],
        invariants: [
          'single_running_instance',
          'no_start_without_quorum',
          'no_recovery_before_fence_confirmed',
          'fenced_node_dead_before_confirm',
          'final_placement_obeys_strict_rules',
        ],
        final: {
          services: { 'vm:1': { ...running, ...variant.final }, ...othersOf(variant) },
          nodes: {},
          armed: 'armed',
          in_error: variant.error ?? [],
          wanted_but_not_running: variant.missing ?? [],
        },
      },
    }),
  );
}

function othersOf(variant: Variant): Readonly<Record<string, Json>> {
  const others = Object.entries(variant.others ?? {});
  return Object.fromEntries(others.map(([id, one]) => [id, { ...running, ...one }]));
}

const onlyA = {
  id: 'pinned',
  kind: 'node-affinity',
  services: ['vm:1'],
  nodes: { a: 0 },
  strict: true,
  enabled: true,
};

const variants: Readonly<Record<string, Variant>> = {
  'a start fails once and is tried again on its node': {
    service: { faults: { start_fails: 1 }, desired: 'stopped', max_restart: 1, max_relocate: 0 },
    timeline: [desire(10, 'running')],
    starts: ['a'],
    final: { node: 'a' },
  },
  'starts fail on one node only: the VM is relocated': {
    service: {
      desired: 'stopped',
      max_restart: 1,
      max_relocate: 1,
      faults: { start_fails: 9, only_on_node: 'a' },
    },
    timeline: [desire(10, 'running')],
    moves: [],
    starts: ['b'],
    final: { node: 'b' },
  },
  'no limits at all: the first failure is an error': {
    service: { faults: { start_fails: 1 }, desired: 'stopped', max_restart: 0, max_relocate: 0 },
    timeline: [desire(10, 'running')],
    final: { node: 'a', ...error },
    error: ['vm:1'],
    missing: ['vm:1'],
  },
  'relocated twice with every start failing: an error on the third node': {
    service: { faults: { start_fails: 99 }, desired: 'stopped', max_restart: 0, max_relocate: 2 },
    timeline: [desire(10, 'running')],
    final: { node: 'c', ...error },
    error: ['vm:1'],
    missing: ['vm:1'],
    endT: 900,
  },
  'the last try that the limits allow succeeds': {
    service: { faults: { start_fails: 5 }, desired: 'stopped', max_restart: 1, max_relocate: 2 },
    timeline: [desire(10, 'running')],
    starts: ['c'],
    final: { node: 'c' },
  },
  'an error is left by disabling, and then by wanting it to run': {
    service: { faults: { start_fails: 2 }, desired: 'stopped', max_restart: 0, max_relocate: 1 },
    timeline: [desire(10, 'running'), desire(100, 'disabled'), desire(150, 'running')],
    starts: ['b'],
    final: { node: 'b' },
  },
  'a VM in error whose node dies stays in error': {
    service: { faults: { start_fails: 9 }, desired: 'stopped', max_restart: 0, max_relocate: 0 },
    timeline: [desire(10, 'running'), node(100, 'power_off', 'a')],
    final: { node: 'a', ...error },
    error: ['vm:1'],
    missing: ['vm:1'],
  },
  'a disabled VM on a dead node: nobody is fenced, nothing moves': {
    service: { desired: 'disabled' },
    timeline: [node(10, 'isolate', 'a')],
    final: { node: 'a', ...off },
  },
  'a stopped VM on a dead node: the node is fenced and the VM gets another home': {
    service: { desired: 'stopped' },
    timeline: [node(10, 'isolate', 'a')],
    fenced: ['a'],
    moves: [['a', 'b']],
    final: { node: 'b', ...off },
  },
  'a stopped VM that was recovered starts where it is now': {
    service: { desired: 'stopped' },
    timeline: [node(10, 'power_off', 'a'), desire(60, 'running')],
    fenced: ['a'],
    moves: [['a', 'b']],
    starts: ['b'],
    final: { node: 'b' },
  },
  'an ignored VM on a node that loses power: nobody is fenced, nothing is recovered': {
    timeline: [desire(10, 'ignored'), node(30, 'power_off', 'a')],
    final: { node: 'a', ...ignored, instance: 'stopped' },
  },
  'an ignored VM on an isolated node runs on': {
    timeline: [desire(10, 'ignored'), node(30, 'isolate', 'a'), node(120, 'reconnect', 'a')],
    final: { node: 'a', ...ignored },
  },
  'an ignored VM that is managed again while its node is dead is recovered': {
    timeline: [desire(10, 'ignored'), node(30, 'power_off', 'a'), desire(100, 'running')],
    fenced: ['a'],
    moves: [['a', 'b']],
    starts: ['b'],
    final: { node: 'b' },
  },
  'an ignored VM is managed again where it runs, without a restart': {
    timeline: [desire(10, 'ignored'), agent(40, 'a'), desire(100, 'running')],
    final: { node: 'a' },
  },
  'an ignored VM that is stopped is stopped': {
    timeline: [desire(10, 'ignored'), desire(60, 'stopped')],
    final: { node: 'a', ...off },
  },
  'an ignored VM was moved by hand and its old node dies: it is managed where it is': {
    timeline: [
      desire(10, 'ignored'),
      at(30, 'service.moved_outside_ha', { service: 'vm:1', to: 'c' }),
      node(60, 'power_off', 'a'),
      desire(100, 'running'),
    ],
    fenced: ['a'],
    final: { node: 'c' },
  },
  'disabled in the middle of a recovery': {
    rules: [onlyA],
    timeline: [node(10, 'isolate', 'a'), desire(60, 'disabled')],
    fenced: ['a'],
    final: { node: 'a', ...off },
  },
  'removed in the middle of a recovery': {
    rules: [onlyA],
    timeline: [node(10, 'isolate', 'a'), at(60, 'service.remove', { service: 'vm:1' })],
    fenced: ['a'],
    final: { node: 'a', managed: false, instance: 'stopped', status: 'removed-from-ha' },
  },
  'stopped as its node dies': {
    timeline: [node(10, 'isolate', 'a'), desire(12, 'stopped')],
    fenced: ['a'],
    final: { node: 'b', ...off },
  },
  'another VM is added in the middle of a recovery': {
    timeline: [
      node(10, 'isolate', 'a'),
      at(13, 'service.add', { service: 'vm:2', type: 'vm', node: 'b', desired: 'running' }),
    ],
    fenced: ['a'],
    startsOfOthers: ['vm:2'],
    moves: [['a', 'c']],
    starts: ['c'],
    final: { node: 'c' },
  },
  'its agent restarts while a start is tried again and again': {
    service: { faults: { start_fails: 2 }, desired: 'stopped', max_restart: 3, max_relocate: 0 },
    timeline: [desire(10, 'running'), agent(11, 'a'), agent(13, 'a')],
    starts: ['a'],
    final: { node: 'a' },
  },
  'the manager restarts while a start is tried again and again': {
    service: { faults: { start_fails: 3 }, desired: 'stopped', max_restart: 1, max_relocate: 1 },
    timeline: [
      desire(10, 'running'),
      at(12, 'manager.stop', { node: 'a' }),
      at(40, 'manager.start', { node: 'a' }),
    ],
    starts: ['b'],
    final: { node: 'b' },
  },
  'starts fail on the node that a VM was recovered to': {
    service: { max_restart: 0, max_relocate: 1, faults: { start_fails: 9, only_on_node: 'b' } },
    timeline: [node(10, 'isolate', 'a')],
    fenced: ['a'],
    moves: [['a', 'c']],
    starts: ['c'],
    final: { node: 'c' },
  },
  'isolated for less than the detection time': {
    timeline: [node(10, 'isolate', 'a'), node(11, 'reconnect', 'a')],
    final: { node: 'a' },
  },
  'fenced, and reconnected long after': {
    timeline: [node(10, 'isolate', 'a'), node(120, 'reconnect', 'a')],
    fenced: ['a'],
    moves: [['a', 'b']],
    starts: ['b'],
    final: { node: 'b' },
  },
  'two nodes die one after the other': {
    timeline: [node(10, 'isolate', 'a'), node(100, 'power_on', 'a'), node(200, 'isolate', 'b')],
    fenced: ['a', 'b'],
    moves: [
      ['a', 'b'],
      ['b', 'a'],
    ],
    starts: ['b', 'a'],
    final: { node: 'a' },
    endT: 400,
  },
  'the whole site loses its power and gets it back: every VM starts where it was': {
    more: [{ id: 'vm:2', node: 'b' }],
    startsOfOthers: ['vm:2'],
    timeline: [...everyNode(10, 'power_off'), ...everyNode(60, 'power_on')],
    starts: ['a'],
    final: { node: 'a' },
    others: { 'vm:2': { node: 'b' } },
  },
  'a cold start: every VM starts on the node that it belongs to': {
    off: true,
    more: [{ id: 'vm:2', node: 'b' }],
    startsOfOthers: ['vm:2'],
    timeline: everyNode(20, 'power_on'),
    starts: ['a'],
    final: { node: 'a' },
    others: { 'vm:2': { node: 'b' } },
  },
  'a VM that cannot be stopped is in error, and runs on': {
    service: { faults: { stop_never_succeeds: true } },
    timeline: [desire(10, 'disabled')],
    final: { node: 'a', managed: true, instance: 'running', status: 'error' },
    error: ['vm:1'],
  },
  'a VM that cannot be stopped is recovered when its node dies': {
    service: { faults: { stop_never_succeeds: true } },
    timeline: [desire(10, 'disabled'), desire(200, 'running'), node(220, 'isolate', 'a')],
    fenced: ['a'],
    moves: [['a', 'b']],
    starts: ['b'],
    final: { node: 'b' },
  },
  'removed while it runs, and added again: it is taken over where it is': {
    timeline: [
      at(10, 'service.remove', { service: 'vm:1' }),
      at(60, 'service.add', { service: 'vm:1', type: 'vm', node: 'a', desired: 'running' }),
    ],
    final: { node: 'a' },
  },
  'added while it runs already': {
    timeline: [
      at(10, 'service.add', {
        service: 'vm:2',
        type: 'vm',
        node: 'b',
        desired: 'running',
        already_running: true,
      }),
    ],
    final: { node: 'a' },
    others: { 'vm:2': { node: 'b' } },
  },
};

test.each(Object.entries(variants))('%s', async (title, variant) => {
  const { result } = await verdictOf(scenarioOf(title, variant));
  expect(result.reasons).toEqual([]);
  expect(result.verdict).toBe('pass');
});
