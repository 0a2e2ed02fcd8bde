import { command, type Noun } from '../command.ts';
import { oneOf, text } from '../option.ts';

const state = text('--state <file>', 'plan for this dump, or file of htools, not for the cluster', {
  completes: { kind: 'file' },
});
const nodes = { summary: 'nodes, parted by commas', completes: { kind: 'node' } } as const;
const whatIf =
  'Nothing is changed. Every VM has the reason for its node, and for each node that was refused. Exit code 1 when a VM would have no node.';

const fail = command({
  name: 'fail',
  summary: 'what would become of the VMs when nodes die',
  description: [whatIf, 'The same code decides in a failover.'],
  arguments: { nodes },
  options: { state },
  examples: ['kennel plan fail node-1', 'kennel plan fail node-1,node-2 --state site.json -o json'],
  run: async (call) => {
    const { planFail } = await import('../actions/plan.ts');
    return planFail(call, call.arguments.nodes, call.options.state);
  },
});

const evacuate = command({
  name: 'evacuate',
  summary: 'where VMs would go when nodes are emptied',
  description: [whatIf],
  arguments: { nodes },
  options: { state },
  examples: ['kennel plan evacuate node-1'],
  run: async (call) => {
    const { planEvacuate } = await import('../actions/plan.ts');
    return planEvacuate(call, call.arguments.nodes, call.options.state);
  },
});

const start = command({
  name: 'start',
  summary: 'where each VM would be started after the whole site was off',
  description: [whatIf],
  arguments: {},
  options: { state },
  examples: ['kennel plan start'],
  run: async (call) => (await import('../actions/plan.ts')).planStart(call, call.options.state),
});

const balance = command({
  name: 'balance',
  summary: 'the few moves that would even out load',
  description: [
    'Nothing is changed. Moves are proposed above the threshold of the policy only, and only those that are worth it.',
  ],
  arguments: {},
  options: { state },
  examples: ['kennel plan balance'],
  run: async (call) => (await import('../actions/plan.ts')).planMoves(call, call.options.state),
});

const dump = command({
  name: 'export',
  summary: 'write what plans rest on to standard output',
  arguments: {},
  options: {
    state,
    format: oneOf(
      '--format <form>',
      'json for kennel plan --state, htools for hbal and hspace of Ganeti',
      ['json', 'htools'],
      'json',
    ),
  },
  examples: ['kennel plan export > site.json', 'kennel plan export --format htools > site.data'],
  run: async (call) => (await import('../actions/plan.ts')).exportSite(call, call.options),
});

export const planNoun: Noun = {
  kind: 'noun',
  name: 'plan',
  summary: 'what would be where: when nodes fail, are emptied, start, or load is evened out',
  verbs: [fail, evacuate, start, balance, dump],
};
