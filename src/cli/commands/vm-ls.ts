import { vmStates } from '../../core/model/vm.ts';
import { command } from '../command.ts';
import { duration, flag, repeatedText, someOf } from '../option.ts';

export const ls = command({
  name: 'ls',
  summary: 'list VMs',
  description: [
    'Filters of different kinds must all hold; of one kind given several times, one must. A VM is on the node that holds its permit; --node none lists those that nobody may run.',
    'With -o json it prints the VMs that are left, each as the API tells it.',
  ],
  arguments: {},
  options: {
    node: repeatedText('--node <node>', 'on this node; none = on no node (may be repeated)', {
      completes: { kind: 'node' },
    }),
    nodeLabel: repeatedText(
      '--node-label <label>',
      'on a node with this label: rack=a, or rack for any value (may be repeated)',
    ),
    state: someOf('--state <state>', 'in this state (may be repeated)', vmStates),
    desired: someOf('--desired <goal>', 'wanted like this (may be repeated)', [
      'running',
      'stopped',
      'disabled',
      'ignored',
    ]),
    priority: someOf('--priority <tier>', 'of this tier (may be repeated)', [
      'high',
      'medium',
      'low',
    ]),
    name: repeatedText(
      '--name <pattern>',
      'of this name, * stands for anything (may be repeated)',
      { completes: { kind: 'vm' } },
    ),
    unprotected: flag('--unprotected', 'whose node has no way to be proven dead'),
    watch: flag('--watch', 'show it again and again until interrupted'),
    interval: duration('--interval <duration>', 'pause between two looks of --watch', '2s'),
  },
  examples: [
    'kennel vm ls',
    'kennel vm ls -o wide --node node-1',
    'kennel vm ls --state failed --state backoff --watch',
    "kennel vm ls --name 'db-*' --node-label rack=a -o json",
  ],
  run: async (call) => (await import('../actions/vm-ls.ts')).listVms(call, call.options),
});
