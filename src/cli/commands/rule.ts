import { changeOptions } from '../change-options.ts';
import { command, type Noun } from '../command.ts';
import { flag, requiredText, text } from '../option.ts';

const rule = { summary: 'name of the rule', completes: { kind: 'nothing' } } as const;

const add = command({
  name: 'add',
  summary: 'add a placement rule',
  description: [
    'A rule is strict unless --preferred is given: a strict one leaves a VM off rather than be broken, a preference gives way. A rule moves nothing that runs.',
    'With --nodes, the number after a node is its priority: of the nodes that can take a VM the highest is preferred. With --no-failback a VM that runs elsewhere does not go back to a preferred node.',
    'A rule that contradicts one in force is refused, with the reason.',
  ],
  arguments: { rule },
  options: {
    vms: requiredText('--vms <names>', 'the VMs, parted by commas; they need not exist yet'),
    nodes: text('--nodes <names>', 'they run on these nodes: node-1 or node-1:2,node-2:1'),
    together: flag('--together', 'they share a node'),
    apart: flag('--apart', 'no two of them share a node'),
    spread: text('--spread <label>', 'they are spread evenly over the values of this node label'),
    preferred: flag('--preferred', 'a preference, not strict'),
    noFailback: flag('--no-failback', 'with --nodes: what runs elsewhere stays there'),
    ...changeOptions,
  },
  examples: [
    'kennel rule add db-apart --apart --vms db-1,db-2',
    'kennel rule add db-home --nodes node-1:2,node-2:1 --preferred --vms db-1',
    'kennel rule add web-racks --spread rack --vms web-1,web-2,web-3',
  ],
  run: async (call) =>
    (await import('../actions/rule.ts')).addRule(call, call.arguments.rule, call.options),
});

const ls = command({
  name: 'ls',
  summary: 'list placement rules',
  arguments: {},
  options: {},
  examples: ['kennel rule ls'],
  run: async (call) => (await import('../actions/rule.ts')).listRules(call),
});

const show = command({
  name: 'show',
  summary: 'one placement rule, and where its VMs are',
  arguments: { rule },
  options: {},
  examples: ['kennel rule show db-apart'],
  run: async (call) => (await import('../actions/rule.ts')).showRule(call, call.arguments.rule),
});

const rm = command({
  name: 'rm',
  summary: 'remove a placement rule; what runs stays where it is',
  arguments: { rule },
  options: { ...changeOptions },
  examples: ['kennel rule rm db-apart'],
  run: async (call) =>
    (await import('../actions/rule.ts')).removeRule(call, call.arguments.rule, call.options),
});

const check = command({
  name: 'check',
  summary: 'contradictions among rules, and running VMs that break one',
  description: ['Exit code 1 when there is any.'],
  arguments: {},
  options: {},
  examples: ['kennel rule check'],
  run: async (call) => (await import('../actions/rule.ts')).checkRules(call),
});

export const ruleNoun: Noun = {
  kind: 'noun',
  name: 'rule',
  summary: 'placement rules: where VMs run, together, apart, spread',
  verbs: [add, ls, show, rm, check],
};
