import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PlacementRule } from '../model/placement-rule.ts';
import { withImplied } from './implied-rules.ts';
import { ruleConflicts, rulesInForce } from './rule-conflicts.ts';
import { apart, onNodes, together } from './testing/sites.ts';

const nodes = ['n1', 'n2', 'n3'];
const codes = (rules: readonly PlacementRule[]): readonly string[] =>
  ruleConflicts(rules, nodes).map((one) => `${one.code}: ${one.rules.join(' ')}`);

test.each<readonly [string, readonly PlacementRule[], string]>([
  ['one VM', [apart('a', ['v1'])], 'fewer-than-two-services: a'],
  [
    'two rules about nodes',
    [onNodes('a', ['v1'], { n1: 0 }), onNodes('b', ['v1'], { n1: 0 })],
    'service-in-multiple-node-rules: a b',
  ],
  [
    'more VMs apart than nodes',
    [apart('a', ['v1', 'v2', 'v3', 'v4'])],
    'more-apart-services-than-nodes: a',
  ],
  [
    'together and apart',
    [apart('a', ['v1', 'v2']), together('b', ['v1', 'v2', 'v3'])],
    'contradicts-opposite-affinity: a b',
  ],
  [
    'ranked nodes and a rule about VMs',
    [apart('a', ['v1', 'v2']), onNodes('b', ['v1'], { n1: 1, n2: 2 })],
    'node-rule-with-priorities-combined-with-service-affinity: a b',
  ],
  [
    'one group, two rules about nodes, through a chain',
    [
      together('a', ['v1', 'v2']),
      together('b', ['v2', 'v3']),
      onNodes('c', ['v1'], { n1: 0 }),
      onNodes('d', ['v3'], { n2: 0 }),
    ],
    'together-set-spans-multiple-node-rules: a b c d',
  ],
  [
    'apart on one node',
    [apart('a', ['v1', 'v2']), onNodes('b', ['v1', 'v2'], { n1: 0 })],
    'apart-set-restricted-to-too-few-nodes: a b',
  ],
])('%s cannot stand', (_, rules, code) => {
  expect(codes(rules)).toEqual([code]);
});

test('preferences about VMs and rules that are switched off contradict nothing', () => {
  const pair = together('b', ['v1', 'v2']);
  expect(codes([apart('a', ['v1', 'v2'], false), pair])).toEqual([]);
  expect(codes([{ ...apart('a', ['v1', 'v2']), enabled: false }, pair])).toEqual([]);
});

const someRules = fc.array(
  fc.record({
    type: fc.constantFrom('together', 'apart', 'nodes'),
    vms: fc.uniqueArray(fc.constantFrom('v1', 'v2', 'v3', 'v4', 'v5'), { minLength: 1 }),
    strict: fc.boolean(),
  }),
  { maxLength: 6 },
);

test('what is in force is free of conflicts, and says the same in whatever order it was written', () => {
  fc.assert(
    fc.property(someRules, (drawn) => {
      const rules = drawn.map(({ type, vms, strict }, index) => {
        const id = `r${index}`;
        if (type === 'nodes') return onNodes(id, vms, { n1: 0, n2: 0 }, strict);
        return type === 'apart' ? apart(id, vms, strict) : together(id, vms, strict);
      });
      const inForce = rulesInForce(rules, nodes);
      expect(ruleConflicts(inForce, nodes)).toEqual([]);
      const told = (some: readonly PlacementRule[]): readonly string[] =>
        withImplied(rulesInForce(some, nodes))
          .map((rule) => `${rule.id} ${[...rule.vms].sort().join(' ')}`)
          .sort();
      expect(told([...rules].reverse())).toEqual(told(rules));
    }),
  );
});
