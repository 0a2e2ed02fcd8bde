import { lockKinds } from '../../core/model/vm-lock.ts';
import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import { oneOf } from '../option.ts';

const vm = { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } as const;

export const lock = command({
  name: 'lock',
  summary: 'let a VM neither start nor move until it is unlocked',
  description: [
    'For whatever works on a VM from outside, such as a backup. What runs goes on, and may be stopped. A lock dies with the node that ran the VM when it was locked, once that is proven dead, but for the kinds create and hold.',
  ],
  arguments: { vm },
  options: {
    kind: oneOf('--kind <kind>', 'what it is locked for', lockKinds, 'hold'),
    ...changeOptions,
  },
  examples: ['kennel vm lock db-1 --kind backup --reason "nightly backup"'],
  run: async (call) =>
    (await import('../actions/vm-lock.ts')).lockVm(call, call.arguments.vm, call.options),
});

export const unlock = command({
  name: 'unlock',
  summary: 'take the lock off a VM, whoever made it',
  description: ['What waited for it goes on: a VM that is to run is started.'],
  arguments: { vm },
  options: changeOptions,
  examples: ['kennel vm unlock db-1 --wait'],
  run: async (call) =>
    (await import('../actions/vm-lock.ts')).unlockVm(call, call.arguments.vm, call.options),
});
