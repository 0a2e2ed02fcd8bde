import type { ReportInputs } from '../inputs.ts';

const kind = (asked: boolean, casesClaimed: number) => ({ asked, casesClaimed, cases: 1 });

/** Inputs with something in every place; each text in them is what `text` makes of its name. */
export function fullInputs(text: (name: string) => string): ReportInputs {
  return {
    sim: {
      seeds: 1000,
      hash: text('hash'),
      failovers: 12,
      events: 1_234_567,
      virtualHours: 17.25,
      clusterHoursPerCpuSecond: 1.5,
      violations: [
        { seed: 7, checker: text('checker'), message: text('message'), replay: text('replay') },
      ],
      sometimes: { [`fault: ${text('fault')}`]: 30, [text('state')]: 4 },
      neverReached: [text('never')],
      recovery: [
        {
          proof: text('proof'),
          stage: 'detected',
          bucketsMs: [1000, 2000, 4000],
          counts: [0, 3, 1, 0],
        },
        {
          proof: text('proof'),
          stage: 'started',
          bucketsMs: [1000, 2000, 4000],
          counts: [0, 0, 3, 1],
        },
      ],
    },
    mutants: {
      mutants: [
        {
          name: text('mutant'),
          summary: text('summary'),
          caught: true,
          seeds: 14,
          checker: text('by'),
        },
        { name: text('survivor'), summary: text('what'), caught: false, seeds: 300, checker: null },
      ],
    },
    scenarios: {
      results: [
        { id: text('passed'), class: null, verdict: 'pass', reasons: [] },
        { id: text('failed'), class: null, verdict: 'fail', reasons: [text('reason')] },
        { id: text('excluded'), class: null, verdict: 'excluded', reasons: [] },
      ],
    },
    real: {
      seed: text('seed'),
      minutes: 20,
      skipped: text('skipped'),
      faults: [
        { atMs: 1000, fault: text('undone'), durationMs: 0, failed: text('failure') },
        { atMs: 60_000, fault: text('struck'), target: text('target'), durationMs: 30_000 },
      ],
      failovers: [
        { node: text('node'), proof: text('realProof'), atMs: 63_000, lastStartMs: 6100 },
        { node: null, proof: null },
      ],
      violations: [{ checker: text('realChecker'), message: text('realMessage'), atMs: 65_000 }],
    },
    coverage: {
      rows: [
        {
          id: text('row'),
          group: text('group'),
          scenario: text('scenario'),
          tested: text('tested'),
          status: 'partly',
          red: false,
          missing: [text('missing')],
          kinds: { sim: kind(true, 1), real: kind(true, 0), unit: kind(false, 0) },
        },
      ],
    },
  };
}
