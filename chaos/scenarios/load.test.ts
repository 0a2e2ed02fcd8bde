import { expect, test } from 'vitest';
import { loadScenario } from './load.ts';
import { sampleFile, sampleService } from './testing/sample.ts';

function problemsOf(patch: Readonly<Record<string, unknown>>): readonly string[] {
  const loaded = loadScenario(JSON.stringify(sampleFile(patch)));
  return loaded.kind === 'invalid' ? loaded.problems : [];
}

const step = (patch: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  timeline: [{ t_seconds: 10, ...patch }],
});

test('a file of the format is a scenario', () => {
  expect(loadScenario(JSON.stringify(sampleFile())).kind).toBe('scenario');
});

test('text that is no JSON is refused', () => {
  expect(loadScenario('{')).toMatchObject({ kind: 'invalid' });
});

test.each([
  [
    'an unknown action',
    step({ action: 'node.explode', node: 'a' }),
    'timeline[0].action: "node.explode" is not an action of ha-scenario/1',
  ],
  [
    'a field the action does not have',
    step({ action: 'node.isolate', node: 'a', nod: 1 }),
    'timeline[0].nod: is not a known field',
  ],
  [
    'an undeclared node',
    step({ action: 'node.isolate', node: 'z' }),
    'timeline[0].node: "z" no node z',
  ],
  [
    'an undeclared service',
    step({ action: 'service.remove', service: 'vm:9' }),
    'timeline[0].service: "vm:9" no service vm:9',
  ],
  [
    'a service on no node',
    { services: [sampleService('vm:1', 'z')] },
    'services[0].node: "z" no node z',
  ],
  [
    'a field no service has',
    { services: [sampleService('vm:1', 'a', { maxrestart: 1 })] },
    'services[0].maxrestart: is not a known field',
  ],
  ['an unknown top-level field', { chaos: true }, 'chaos: is not a known field'],
  [
    'an unknown action of x-kennel',
    { 'x-kennel': { timeline: [{ t_seconds: 1, action: 'node.melt' }] } },
    'x-kennel.timeline[0].action: "node.melt" is no action of x-kennel',
  ],
  [
    'an unknown BMC mode',
    {
      'x-kennel': {
        timeline: [{ t_seconds: 1, action: 'bmc.mode', node: 'a', mode: { kind: 'odd' } }],
      },
    },
    'x-kennel.timeline[0].mode.kind',
  ],
  [
    'an undeclared node in x-kennel',
    { 'x-kennel': { timeline: [{ t_seconds: 1, action: 'node.freeze', node: 'z' }] } },
    'x-kennel.timeline[0].node: "z" no node z',
  ],
  [
    'a link to a manager that is not there',
    {
      'x-kennel': {
        timeline: [{ t_seconds: 1, action: 'link.cut', from: 'node:a', to: 'manager:4' }],
      },
    },
    'x-kennel.timeline[0].to: "manager:4" no manager',
  ],
])('%s is refused with its path', (_, patch, problem) => {
  expect(problemsOf(patch).join('\n')).toContain(problem);
});

test('every problem of a file is told at once', () => {
  expect(problemsOf({ end_t: 'soon', format: 'ha-scenario/9' })).toHaveLength(2);
});

test('what only informs a reader may hold anything', () => {
  expect(problemsOf({ source: { any: ['thing'] }, actions_used: [1] })).toEqual([]);
});

test('a service that the timeline adds may be used after it', () => {
  const add = { t_seconds: 1, action: 'service.add', service: 'vm:9', node: 'a' };
  const remove = { t_seconds: 2, action: 'service.remove', service: 'vm:9' };
  expect(problemsOf({ timeline: [add, remove] })).toEqual([]);
});
