import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sectionOf, withTables } from './docs-tables.ts';
import { loadScenario } from './load.ts';
import type { Scenario } from './schema.ts';
import { sampleScenario } from './testing/sample.ts';
import { verdictOf } from './verdict.ts';
import type { ScenarioResult } from './verdict.ts';

const documentUrl = new URL('../../docs/scenarios.md', import.meta.url);
const documentText = readFileSync(documentUrl, 'utf8');
const ownDirectory = new URL('./kennel/', import.meta.url).pathname;

function scenariosIn(directory: string): readonly Scenario[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const loaded = loadScenario(readFileSync(join(directory, file), 'utf8'));
    if (loaded.kind === 'invalid') throw new Error(`${file}: ${loaded.problems.join('; ')}`);
    return loaded.scenario;
  });
}

async function resultsOf(scenarios: readonly Scenario[]): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) results.push((await verdictOf(scenario)).result);
  return results;
}

describe("Kennel's own scenarios", () => {
  const scenarios = scenariosIn(ownDirectory);
  let results: readonly ScenarioResult[] = [];

  beforeAll(async () => {
    results = await resultsOf(scenarios);
  }, 120_000);

  test('there are enough of them', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(10);
  });

  test('the document tells what their runs came to', () => {
    const made = withTables(documentText, scenarios, results);
    expect(sectionOf(documentText, 'own')).toBe(sectionOf(made, 'own'));
  });

  test('none of them needs what the product lacks', () => {
    expect(results.flatMap((one) => one.reasons).filter((one) => one.startsWith('needs'))).toEqual(
      [],
    );
  });

  test('no run breaks an invariant', () => {
    const broken = results.flatMap((one) => one.reasons).filter((one) => one.startsWith('invar'));
    expect(broken).toEqual([]);
  });
});

test('one file gives one run, another one another', async () => {
  const [first, second, other] = [
    await verdictOf(sampleScenario()),
    await verdictOf(sampleScenario()),
    await verdictOf(sampleScenario({ id: 'another' })),
  ];
  expect(first.result).toEqual({ id: 'sample', class: 'portable', verdict: 'pass', reasons: [] });
  expect(second).toEqual(first);
  expect(other.hash).not.toBe(first.hash);
});

test('a scenario whose expectation is wrong fails with the reason', async () => {
  const sample = sampleScenario();
  const wrong = { ...sample, expect: { ...sample.expect, fenced_nodes_in_order: ['c'] } };
  const { result } = await verdictOf(wrong);
  expect(result).toMatchObject({ verdict: 'fail', reasons: ['fenced nodes: a instead of c'] });
});

test('a graceful shutdown is followed by a failover without any power command', async () => {
  const { result } = await verdictOf(
    sampleScenario({
      timeline: [{ t_seconds: 10, action: 'node.shutdown', node: 'a' }],
      'x-kennel': { expect: { proofs: [{ node: 'a', kind: 'powerOff' }], power_cut: [] } },
    }),
  );
  expect(result).toMatchObject({ verdict: 'pass', reasons: [] });
});

test('commands are given as a person would, also while nobody leads', async () => {
  const file = sampleScenario({
    timeline: [
      { t_seconds: 10, action: 'service.set_desired', service: 'vm:1', desired: 'stopped' },
      { t_seconds: 30, action: 'service.add', service: 'vm:2', node: 'c' },
      { t_seconds: 50, action: 'service.remove', service: 'vm:1' },
    ],
    end_t: 80,
  });
  const off = {
    managed: false,
    node: 'a',
    instance: 'stopped',
    status: 'removed-from-ha',
  } as const;
  const on = { managed: true, node: 'c', instance: 'running', status: 'active' } as const;
  const scenario: Scenario = {
    ...file,
    expect: {
      ...file.expect,
      fence_confirmed: [],
      fenced_nodes_in_order: [],
      moves: [],
      starts: [{ t: 30, service: 'vm:2', node: 'c' }],
      bounds: [],
      final: { ...file.expect.final, services: { 'vm:1': off, 'vm:2': on } },
    },
  };
  expect((await verdictOf(scenario)).result.reasons).toEqual([]);
});

/** Given by name, or beside the checkout. */
const beside = new URL('../../../shared/conformance/scenarios/', import.meta.url).pathname;
const neutral = process.env['KENNEL_SCENARIOS'] ?? beside;
const hasNeutral = existsSync(neutral);
if (!hasNeutral) {
  console.warn(`scenarios of other systems are not compared: there is no directory ${neutral}`);
}

// The neutral scenarios are made elsewhere and are not part of this repository.
describe.skipIf(!hasNeutral)('scenarios of other systems', () => {
  test('the document tells what their runs came to', async () => {
    const scenarios = scenariosIn(neutral);
    const made = withTables(documentText, scenarios, await resultsOf(scenarios));
    expect(sectionOf(documentText, 'neutral')).toBe(sectionOf(made, 'neutral'));
  }, 120_000);
});
