import { command, type Noun } from '../command.ts';

const vm = command({
  name: 'vm',
  summary: 'the chain of events that led to the place of a VM',
  description: [
    'Oldest first: who wanted what of it, where it was placed and why, which node it was lost on, by which proof that node counted as dead. At the end stands what is so now.',
  ],
  arguments: { vm: { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } },
  options: {},
  examples: ['kennel why vm db-1', 'kennel why vm db-1 -o json'],
  run: async (call) => (await import('../actions/why.ts')).whyVm(call, call.arguments.vm),
});

export const whyNoun: Noun = {
  kind: 'noun',
  name: 'why',
  summary: 'why something is where it is',
  verbs: [vm],
};
