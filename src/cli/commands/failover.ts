import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { text } from '../option.ts';

const file = { completes: { kind: 'file' } } as const;

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

const exportVerb = command({
  name: 'export',
  summary: 'write the records and what they rest on, to be kept or verified elsewhere',
  arguments: {},
  options: { output: text('--output <file>', 'where to; standard output otherwise', file) },
  examples: ['kennel failover export --output failovers.json'],
  run: async (call) =>
    (await import('../actions/failover-records.ts')).exportFailovers(call, call.options.output),
});

const verify = command({
  name: 'verify',
  summary: 'check every proof by its evidence, and the chain of the records',
  description: [
    'The check shares no code with the managers that wrote the records. With --file it asks no cluster. Exit code 1: something does not hold.',
  ],
  arguments: {},
  options: { file: text('--file <file>', 'an export; the cluster is asked otherwise', file) },
  examples: ['kennel failover verify', 'kennel failover verify --file failovers.json'],
  run: async (call) =>
    (await import('../actions/failover-records.ts')).verifyFailovers(call, call.options.file),
});

export const failoverNoun: Noun = {
  kind: 'noun',
  name: 'failover',
  summary: 'records of failovers: what happened, by which proof, how fast',
  verbs: [ls, show, exportVerb, verify],
};
