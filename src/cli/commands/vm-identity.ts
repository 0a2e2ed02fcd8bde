import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import { flag, repeatedText, text } from '../option.ts';

const vm = { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } as const;
const request = text('--request <id>', 'name of this call; made again, it is not done again');

export const rename = command({
  name: 'rename',
  summary: 'give a VM that is off another name',
  description: [
    'Rules, and the VMs that wait for it or are kept apart from it, know it by the new one at once. Its UUID stays. A domain cannot be renamed while it is active, so the VM has to be stopped.',
  ],
  arguments: { vm, name: { summary: 'its new name', completes: { kind: 'nothing' } } },
  options: { request, ...changeOptions },
  examples: ['kennel vm stop db-1 --wait && kennel vm rename db-1 pg-1'],
  run: async (call) =>
    (await import('../actions/vm-identity.ts')).renameVm(call, call.arguments, call.options),
});

export const clone = command({
  name: 'clone',
  summary: 'make a VM like another one, on disks that you have made',
  description: [
    'Nothing is copied and no storage is made: --disk names, in their order, one disk for each that the original writes to, and what is on them is your affair. Disks that are only read are shared. UUID and MAC addresses are new; the file of its serial port is left out. A VM that was made from a domain XML is not cloned.',
  ],
  arguments: { vm, name: { summary: 'name of the new VM', completes: { kind: 'nothing' } } },
  options: {
    disk: repeatedText(
      '--disk <source>',
      'nbd://HOST:PORT/EXPORT, rbd:POOL/IMAGE, iscsi://PORTAL/TARGET/LUN or shared:/PATH (may be repeated)',
    ),
    start: flag('--start', 'run it; else it is left off'),
    node: text('--node <node>', 'start it there first, if it can take it', {
      completes: { kind: 'node' },
    }),
    request,
    ...changeOptions,
  },
  examples: ['kennel vm clone db-1 db-2 --disk nbd://store-1:10809/db-2 --start --wait'],
  run: async (call) =>
    (await import('../actions/vm-identity.ts')).cloneVm(call, call.arguments, call.options),
});
