import { command } from '../command.ts';
import type { Noun } from '../command.ts';

const ls = command({
  name: 'ls',
  summary: 'list failovers, newest first',
  arguments: {},
  options: {},
  examples: ['kennel failover ls'],
  run: async (call) => (await import('../actions/failover.ts')).listFailovers(call),
});

const show = command({
  name: 'show',
  summary: 'the timeline of one failover',
  description: [
    'Each step with its time after the last sign of life: detected, intent recorded, first Off reading, proven (by which proof, on what evidence), each VM placed (and why there) and started.',
  ],
  arguments: {
    failover: { summary: 'id of the failover, FO-1', completes: { kind: 'failover' } },
  },
  options: {},
  examples: ['kennel failover show FO-1', 'kennel failover show FO-1 -o json'],
  run: async (call) =>
    (await import('../actions/failover.ts')).showFailover(call, call.arguments.failover),
});

export const failoverNoun: Noun = {
  kind: 'noun',
  name: 'failover',
  summary: 'records of failovers: what happened, by which proof, how fast',
  verbs: [ls, show],
};
