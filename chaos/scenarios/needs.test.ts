import { expect, test } from 'vitest';
import { needsOf } from './needs.ts';
import { sampleFile, sampleScenario, sampleService } from './testing/sample.ts';
import { verdictOf } from './verdict.ts';

type Json = Readonly<Record<string, unknown>>;

const step = (patch: Json): Json => ({ timeline: [{ t_seconds: 10, ...patch }] });
const rule = (patch: Json): Json => ({ rules: [{ id: 'r', services: ['vm:1'], ...patch }] });
const expecting = (patch: Json): Json => ({
  expect: { ...(sampleFile()['expect'] as Json), ...patch },
});
const move = { t: 1, service: 'vm:1', from: 'a', to: 'b', cause: 'command' };

test('a plain failover needs nothing', () => {
  expect(needsOf(sampleScenario())).toEqual([]);
});

test.each<readonly [string, Json, readonly string[]]>([
  ['maintenance', step({ action: 'node.maintenance', node: 'a', on: true }), []],
  ['a migration', step({ action: 'service.migrate', service: 'vm:1', to: 'b' }), []],
  ['a lock', step({ action: 'service.lock', service: 'vm:1', lock: 'backup' }), []],
  ['an expected live migration', expecting({ moves: [{ ...move, kind: 'live-migrate' }] }), []],
  ['a VM under lock', { services: [sampleService('vm:1', 'a', { lock: 'backup' })] }, []],
  ['a group of the older form', rule({ kind: 'legacy-group', nodes: { a: 1 } }), []],
  ['one that says nothing', rule({ kind: 'legacy-group' }), ['legacy groups']],
  [
    'a VM that was moving',
    { initial_manager_state: { services: { 'vm:1': { node: 'a', status: 'moving' } } } },
    ['foreign manager state'],
  ],
])('%s is missing', (_, patch, needs) => {
  expect(needsOf(sampleScenario(patch))).toEqual(needs);
});

test.each<readonly [string, Json]>([
  ['strict nodes, all alike', rule({ kind: 'node-affinity', nodes: { a: 0, b: 0 }, strict: true })],
  ['nodes by priority', rule({ kind: 'node-affinity', nodes: { a: 2, b: 1 }, strict: true })],
  ['a preference', rule({ kind: 'node-affinity', nodes: { a: 0 }, strict: false })],
  ['keeping together', rule({ kind: 'service-affinity', affinity: 'together' })],
  ['keeping apart', rule({ kind: 'service-affinity', affinity: 'apart' })],
  [
    'a rule that is switched off',
    rule({ kind: 'service-affinity', affinity: 'together', enabled: false }),
  ],
  [
    'a node that fences itself unseen',
    expecting({ fence_confirmed: [], self_fenced: [{ node: 'a', t: 1 }] }),
  ],
  ['start faults', { services: [sampleService('vm:1', 'a', { faults: { start_fails: 1 } })] }],
  ['ignoring', step({ action: 'service.set_desired', service: 'vm:1', desired: 'ignored' })],
  ['a move by hand', step({ action: 'service.moved_outside_ha', service: 'vm:1', to: 'b' })],
  [
    'stopping and starting',
    step({ action: 'service.set_desired', service: 'vm:1', desired: 'stopped' }),
  ],
])('%s is there', (_, patch) => {
  expect(needsOf(sampleScenario(patch))).toEqual([]);
});

test('a scenario that needs something fails without being run', async () => {
  const { result, hash } = await verdictOf(sampleScenario(rule({ kind: 'legacy-group' })));
  expect(result).toMatchObject({ verdict: 'fail', reasons: ['needs: legacy groups'] });
  expect(hash).toBeNull();
});

test('a peer-specific scenario is excluded', async () => {
  const portability = { class: 'peer-specific', exclude: true, timing_sensitive: false, notes: [] };
  const { result } = await verdictOf(sampleScenario({ portability }));
  expect(result.verdict).toBe('excluded');
});
