import { changeOptions } from '../change-options.ts';
import { command, type Noun } from '../command.ts';
import { text } from '../option.ts';

const show = command({
  name: 'show',
  summary: 'failover capacity and rebalancing: what is set, and whether there is room',
  arguments: {},
  options: {},
  examples: ['kennel placement show'],
  run: async (call) => (await import('../actions/placement.ts')).showPolicy(call),
});

const set = command({
  name: 'set',
  summary: 'change how nodes are chosen',
  description: [
    'With a failover capacity, what would leave too little room is refused, with the calculation: creating and starting VMs, removing nodes. What is there already stays.',
  ],
  arguments: {},
  options: {
    failoverCapacity: text('--failover-capacity <n>', 'nodes that may be lost at once, or off'),
    by: text('--by <label>', 'count failure domains by this node label instead of nodes'),
    rebalanceOnStart: text(
      '--rebalance-on-start <on|off>',
      'a VM that is switched on is placed anew',
    ),
    balance: text(
      '--balance <mode>',
      'off, suggest (a line in kennel status) or automatic (it is mended)',
    ),
    threshold: text('--threshold <number>', 'imbalance above which moves are looked for, 0.3'),
    enforce: text('--enforce <mode>', 'off or automatic: VMs that run are moved by their rules'),
    load: text('--load <source>', 'what counts as load: configured or measured'),
    ...changeOptions,
  },
  examples: [
    'kennel placement set --failover-capacity 1',
    'kennel placement set --failover-capacity 1 --by rack',
    'kennel placement set --balance suggest',
  ],
  run: async (call) => (await import('../actions/placement.ts')).setPolicy(call, call.options),
});

export const placementNoun: Noun = {
  kind: 'noun',
  name: 'placement',
  summary: 'how nodes are chosen: failover capacity, rebalancing',
  verbs: [show, set],
};
