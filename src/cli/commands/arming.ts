import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import { optionalDuration, oneOf } from '../option.ts';

export const disarmCommand = command({
  name: 'disarm',
  summary: 'do nothing by itself for a while: fence nobody, restart and move no VM',
  description: [
    'For work on the network, the storage or Kennel itself. Leases are granted on, so that nothing stops. A device command that was sent already runs to its end.',
    'freeze: VMs stay as they are; what a person asks for is done, and what dies waits for kennel arm. ignore: VMs are left to people, who may start, stop and move them past Kennel; each is looked at before Kennel cares for it again.',
  ],
  arguments: {},
  options: {
    mode: oneOf('--mode <mode>', 'what becomes of VMs', ['freeze', 'ignore'], 'freeze'),
    for: optionalDuration('--for <duration>', 'arm again by itself after this time'),
    ...changeOptions,
  },
  examples: [
    'kennel disarm --for 2h --reason "switch update"',
    'kennel disarm --mode ignore --reason "storage moves by hand"',
  ],
  run: async (call) => (await import('../actions/arming.ts')).disarm(call, call.options),
});

export const armCommand = command({
  name: 'arm',
  summary: 'fence and recover by itself again',
  description: [
    'At once: a node that is silent by then is fenced, and what waited is recovered. Have a look at kennel status before.',
  ],
  arguments: {},
  options: changeOptions,
  examples: ['kennel arm'],
  run: async (call) => (await import('../actions/arming.ts')).arm(call, call.options),
});
