import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { labVerdicts, sectionOf, withLabTable } from '../scenarios/docs-tables.ts';
import { loadScenario } from '../scenarios/load.ts';
import type { Scenario } from '../scenarios/schema.ts';
import { labFor } from './scenario-needs.ts';
import { exclusionOf } from './scenario-replay.ts';

const root = new URL('../../', import.meta.url);
const document = readFileSync(new URL('docs/scenarios.md', root), 'utf8');
const own: readonly Scenario[] = globSync('chaos/scenarios/kennel/*.json', { cwd: root }).map(
  (file) => {
    const loaded = loadScenario(readFileSync(new URL(file, root), 'utf8'));
    if (loaded.kind === 'invalid') throw new Error(loaded.problems.join());
    return loaded.scenario;
  },
);

describe('what docs/scenarios.md says of labs', () => {
  const verdicts = new Map(labVerdicts(sectionOf(document, 'lab')));

  test('has a line for every scenario, and no other', () => {
    expect([...verdicts.keys()].sort()).toEqual(own.map(({ id }) => id).sort());
  });

  test('excludes what no lab can run, with what is missing, and nothing else', () => {
    const excluded = own.flatMap((one) => {
      const result = exclusionOf(one);
      return result === null ? [] : [[one.id, `excluded: ${result.reasons.join('; ')}`]];
    });
    const said = [...verdicts].filter(([, verdict]) => verdict.startsWith('excluded'));
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(excluded));
  });

  test('at least 25 named scenarios can be run on a lab', () => {
    expect(own.filter((one) => exclusionOf(one) === null).length).toBeGreaterThanOrEqual(25);
  });
});

test('a run changes the lines of what it ran and keeps the others', () => {
  const [first, second] = own;
  if (first === undefined || second === undefined) throw new Error('there are no scenarios');
  const empty = '<!-- generated: lab -->\n\n<!-- end -->';
  const pass = { id: first.id, class: null, verdict: 'pass', reasons: [] } as const;
  const fail = { id: second.id, class: null, verdict: 'fail', reasons: ['late'] } as const;
  const once = withLabTable(empty, [first, second], [pass]);
  expect(labVerdicts(once)).toEqual([
    [first.id, 'pass'],
    [second.id, 'not run'],
  ]);
  const twice = withLabTable(once, [second], [fail]);
  expect(labVerdicts(twice)).toEqual([
    [first.id, 'pass'],
    [second.id, 'fail: late'],
  ]);
});

test('a scenario that restarts an agent gets a lab that waits for it, one with outlets gets outlets', () => {
  const kindOf = (id: string) => {
    const found = own.find((one) => one.id === id);
    return found === undefined ? null : labFor(found);
  };
  expect(kindOf('kennel-agent-restart')).toEqual({ pdus: false, profile: 'conservative' });
  expect(kindOf('kennel-one-outlet-stuck')).toEqual({ pdus: true, profile: 'default' });
  expect(kindOf('kennel-power-loss')).toEqual({ pdus: false, profile: 'default' });
});
