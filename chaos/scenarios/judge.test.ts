import { describe, expect, test } from 'vitest';
import { judge } from './judge.ts';
import type { FinalService } from './outcome.ts';
import type { Scenario } from './schema.ts';
import { sampleOutcome, sampleScenario } from './testing/sample.ts';

const expected = sampleScenario();

/** The sample with another class. */
function ofClass(name: Scenario['portability']['class']): Scenario {
  return { ...expected, portability: { ...expected.portability, class: name } };
}

function ending(patch: Partial<FinalService>): Readonly<Record<string, FinalService>> {
  return {
    'vm:1': { managed: true, node: 'b', instance: 'running', status: 'active', ...patch },
  };
}

test('a run that is as expected has no deviation', () => {
  expect(judge(expected, sampleOutcome())).toEqual([]);
});

describe('rule 1', () => {
  const broken = { invariant: 'single_running_instance', t: 15, text: 'two of them' };

  test('a broken invariant is a deviation, with its instant', () => {
    expect(judge(expected, sampleOutcome({ violations: [broken] }))).toEqual([
      'invariant single_running_instance at 15 s: two of them',
    ]);
  });

  test('an invariant that the file does not ask for is not judged', () => {
    const other = { ...broken, invariant: 'no_start_without_quorum' };
    expect(judge(expected, sampleOutcome({ violations: [other] }))).toEqual([]);
  });

  test('an invariant that the checker does not know cannot be passed', () => {
    const odd = { ...expected, expect: { ...expected.expect, invariants: ['nobody_sleeps'] } };
    expect(judge(odd, sampleOutcome())).toEqual([
      'invariant nobody_sleeps is not known to this checker',
    ]);
  });
});

describe('rule 2', () => {
  const two = {
    ...expected,
    expect: { ...expected.expect, fenced_nodes_in_order: ['a', 'c'] },
  };
  const reversed = sampleOutcome({
    fenced: ['c', 'a'].map((node) => ({ node, t: 14, proof: 'powerOff' })),
  });

  test('a node that should be fenced and is not', () => {
    expect(judge(expected, sampleOutcome({ fenced: [] }))).toEqual([
      'fenced nodes: none instead of a',
    ]);
  });

  test('a node that is fenced and should not be', () => {
    const fenced = ['a', 'c'].map((node) => ({ node, t: 14, proof: 'powerOff' }));
    expect(judge(expected, sampleOutcome({ fenced }))).toEqual(['fenced nodes: a, c instead of a']);
  });

  test('another order counts when portable, and only then', () => {
    expect(judge(two, reversed)).toEqual(['fenced nodes: c, a instead of a, c']);
    const tie = { ...two, portability: { ...two.portability, class: 'placement-tie' as const } };
    expect(judge(tie, reversed)).toEqual([]);
  });

  test('a healthy node whose power is cut, even without a proof', () => {
    expect(judge(expected, sampleOutcome({ powerCut: [{ node: 'c', t: 12 }] }))).toEqual([
      'c was powered off at 12 s and should not be',
    ]);
  });
});

describe('rule 3', () => {
  test.each([
    [{ managed: false }, 'final vm:1: managed false instead of true'],
    [{ status: 'stopped' }, 'final vm:1: status stopped instead of active'],
    [{ instance: 'stopped' }, 'final vm:1: instance stopped instead of running'],
    [{ node: 'c' }, 'final vm:1: on c instead of b'],
    [{ node: null }, 'final vm:1: on no node instead of b'],
  ] as const)('%j is a deviation', (patch, reason) => {
    expect(judge(expected, sampleOutcome({ services: ending(patch) }))).toEqual([reason]);
  });

  test('a service that is not told of is a deviation', () => {
    expect(judge(expected, sampleOutcome({ services: {} }))).toEqual([
      'final vm:1: it is not there',
    ]);
  });

  test('other acceptable nodes count unless portable', () => {
    const finals = expected.expect.final.services['vm:1'];
    if (finals === undefined) throw new Error('no final of vm:1');
    const withOthers = (scenario: Scenario): Scenario => ({
      ...scenario,
      expect: {
        ...scenario.expect,
        final: {
          ...scenario.expect.final,
          services: { 'vm:1': { ...finals, acceptable_nodes: ['b', 'c'] } },
        },
      },
    });
    const outcome = sampleOutcome({ services: ending({ node: 'c' }) });
    expect(judge(withOthers(ofClass('placement-tie')), outcome)).toEqual([]);
    expect(judge(withOthers(expected), outcome)).toEqual(['final vm:1: on c instead of b']);
  });

  test('a VM that is off and owned by nobody is on no node, whatever the file says', () => {
    const off: Scenario = {
      ...expected,
      expect: {
        ...expected.expect,
        final: {
          ...expected.expect.final,
          services: {
            'vm:1': { managed: true, node: 'b', instance: 'stopped', status: 'stopped' },
          },
        },
      },
    };
    const is = (node: string | null): Readonly<Record<string, FinalService>> =>
      ending({ node, instance: 'stopped', status: 'stopped' });
    expect(judge(off, sampleOutcome({ services: is(null) }))).toEqual([]);
    expect(judge(off, sampleOutcome({ services: is('c') }))).toEqual([
      'final vm:1: on c instead of b',
    ]);
  });
});

test('rule 4: services in error, and wanted but not running, are compared as sets', () => {
  expect(judge(expected, sampleOutcome({ inError: ['vm:1'] }))).toEqual([
    'in error: vm:1 instead of none',
  ]);
  expect(judge(expected, sampleOutcome({ wantedButNotRunning: ['vm:1'] }))).toEqual([
    'wanted but not running: vm:1 instead of none',
  ]);
});

describe('rule 5', () => {
  test('a start that comes too late', () => {
    const starts = [{ t: 30.5, service: 'vm:1', node: 'b' }];
    expect(judge(expected, sampleOutcome({ starts }))).toEqual([
      'bound: vm:1 ran 20.5 s after 10 s, at most 20 s are allowed',
    ]);
  });

  test('a start that never comes, and one from before the failure', () => {
    const never = 'bound: vm:1 never ran after 10 s';
    expect(judge(expected, sampleOutcome({ starts: [] }))).toEqual([never]);
    const starts = [{ t: 5, service: 'vm:1', node: 'b' }];
    expect(judge(expected, sampleOutcome({ starts }))).toEqual([never]);
  });

  test('a move that comes too late', () => {
    const bounds = [{ service: 'vm:1', command_t: 10, max_seconds_to_moved: 5 }];
    const moving = { ...expected, expect: { ...expected.expect, bounds } };
    expect(judge(moving, sampleOutcome())).toEqual([
      'bound: vm:1 was moved 10.0 s after 10 s, at most 5 s are allowed',
    ]);
  });
});

describe('rule 6', () => {
  const twice = [
    { t: 20, service: 'vm:1', from: 'a', to: 'b' },
    { t: 30, service: 'vm:1', from: 'b', to: 'c' },
  ];

  test('a move that the file does not have, when portable', () => {
    expect(judge(expected, sampleOutcome({ moves: twice }))).toEqual([
      'unexpected move of vm:1 from b to c at 30 s',
    ]);
    expect(judge(ofClass('placement-tie'), sampleOutcome({ moves: twice }))).toEqual([]);
  });

  test('one move of the file allows one move', () => {
    const [first] = twice;
    if (first === undefined) throw new Error('no move');
    expect(judge(expected, sampleOutcome({ moves: [first, { ...first, t: 40 }] }))).toEqual([
      'unexpected move of vm:1 from a to b at 40 s',
    ]);
  });

  test('one start too many, in every class', () => {
    const starts = [20, 25].map((t) => ({ t, service: 'vm:1', node: 'b' }));
    const reason = 'vm:1 was started 2 times instead of 1';
    expect(judge(expected, sampleOutcome({ starts }))).toEqual([reason]);
    expect(judge(ofClass('peer-scheduler'), sampleOutcome({ starts }))).toEqual([reason]);
  });
});

test('x-kennel: another proof and a needless power cut are deviations', () => {
  const own = sampleScenario({
    'x-kennel': { expect: { proofs: [{ node: 'a', kind: 'newBoot' }], power_cut: [] } },
  });
  const outcome = sampleOutcome({ powerCut: [{ node: 'a', t: 12 }] });
  expect(judge(own, outcome)).toEqual([
    'proofs: a by powerOff instead of a by newBoot',
    'power cut: a instead of none',
  ]);
});

test('a refused command is told beside a deviation and is none by itself', () => {
  const refused = [{ t: 12, text: 'service.stop vm:1 was refused' }];
  expect(judge(expected, sampleOutcome({ refused }))).toEqual([]);
  expect(judge(expected, sampleOutcome({ refused, fenced: [] }))).toEqual([
    'fenced nodes: none instead of a',
    'note: at 12 s: service.stop vm:1 was refused',
  ]);
});
