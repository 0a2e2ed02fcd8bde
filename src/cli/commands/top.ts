import { command } from '../command.ts';
import { duration, flag, oneOf } from '../option.ts';

export const topCommand = command({
  name: 'top',
  summary: 'what nodes and VMs use of their CPUs and memory',
  description: [
    'Used is what the agents measured of late, booked what the VMs on a node are specified with, and has what the node offers. A VM that was just started shows - until its agent has looked at it twice, which takes up to half a minute.',
    'VMs that use most come first.',
  ],
  arguments: {},
  options: {
    by: oneOf('--by <what>', 'what puts a VM first', ['cpu', 'memory'], 'cpu'),
    watch: flag('--watch', 'show it again and again until interrupted'),
    interval: duration('--interval <duration>', 'pause between two looks of --watch', '5s'),
  },
  examples: ['kennel top', 'kennel top --by memory --watch', "kennel top -o json | jq '.nodes'"],
  run: async (call) => (await import('../actions/top.ts')).showTop(call, call.options),
});
