import { expect, test } from 'vitest';
import { drawScenario } from './draw.ts';
import { runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';

/** Nothing fails here: one VM, and what people do to it and to its node. */
const calm: Scenario = {
  ...drawScenario(1, { profile: 'network', store: 'memory' }),
  mode: 'liveness',
  managers: 1,
  nodes: 2,
  rates: {},
  watchdogs: {},
  guests: [],
  faults: [],
  workload: [{ atMs: 1000, verb: 'create', vm: 1, force: false }],
  faultsMs: 25_000,
};
const work = { node: 'home-1', stuck: 'leave', policy: 'migrate' } as const;

test('what a person paused away from its node is let go on by a person, and returns', async () => {
  const { violations } = await runScenario({
    ...calm,
    workload: [...calm.workload, { atMs: 20_000, verb: 'pause', vm: 1, force: false }],
    maintenance: [{ ...work, atMs: 10_000, what: 'maintenance' }],
  });
  expect(violations).toEqual([]);
});

test('a machine that waits for a VM that can go nowhere is made to go down by a person', async () => {
  const { violations } = await runScenario({
    ...calm,
    pinned: true,
    maintenance: [{ ...work, atMs: 10_000, what: 'osShutdown' }],
  });
  expect(violations).toEqual([]);
});
