import { expect, test } from 'vitest';
import { checkRuleFile } from './rule-check.ts';

const node = { id: 'n', kind: 'node-affinity', services: ['vm:1'], nodes: { a: 0 }, strict: true };
const apart = {
  id: 's',
  kind: 'service-affinity',
  services: ['vm:1', 'vm:2', 'vm:3'],
  affinity: 'apart',
  strict: true,
};
const file = (rules: readonly object[], expected: object): string =>
  JSON.stringify({
    format: 'ha-rule-check/1',
    id: 'sample',
    nodes: ['a', 'b'],
    rules,
    expect: expected,
  });
const dropped = [{ rule: 's', reason: 'more-apart-services-than-nodes' }];
const { id, ...nodeContent } = node;

test('a file that says what the product decides passes', () => {
  const text = file([node, apart], { dropped, effective_rules: { [id]: nodeContent } });
  expect(checkRuleFile('x', text)).toEqual({ id: 'sample', verdict: 'pass', reasons: [] });
});

test('every difference is a reason', () => {
  const wrong = [{ rule: 's', reason: 'contradicts-opposite-affinity' }];
  const text = file([node, apart], { dropped: wrong, effective_rules: {} });
  expect(checkRuleFile('x', text).reasons).toEqual([
    's is dropped, and not because of contradicts-opposite-affinity',
    'in force and should not be: ["n","node-affinity",["vm:1"],[["a",0]],true,true]',
  ]);
  const none = file([apart], { dropped: [], effective_rules: { s: apart } });
  expect(checkRuleFile('x', none).reasons).toEqual([
    's is dropped and should not be',
    'not in force: ["s","service-affinity",["vm:1","vm:2","vm:3"],[],"apart",true]',
  ]);
});

test('a reason in words that the product does not have is not compared', () => {
  const other = [{ rule: 's', reason: 'some-other-word' }];
  const text = file([node, apart], { dropped: other, effective_rules: { [id]: nodeContent } });
  expect(checkRuleFile('x', text).verdict).toBe('pass');
});

test('what is no rule check fails with its place', () => {
  expect(checkRuleFile('x', '{"format": "ha-rule-check/1"}')).toMatchObject({
    id: 'x',
    verdict: 'fail',
  });
  expect(checkRuleFile('x', 'not json').reasons[0]).toContain('invalid:');
});
