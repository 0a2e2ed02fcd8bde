import { command } from '../command.ts';
import { flag, text } from '../option.ts';

const vm = { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } as const;

export const consoleCommand = command({
  name: 'console',
  summary: 'the serial console of a VM, here in the terminal; ^] ends it',
  description: [
    'It ends when the VM stops, moves to another node, or its agent loses the leader; what the guest says meanwhile is not kept. One person has the console at a time; --force takes it over. Without a terminal only --read-only works, and prints what the guest says.',
    'A VM whose serial port is written to a file (consoleLog) has no console. Who opened one is an event.',
  ],
  arguments: { vm },
  options: {
    readOnly: flag('--read-only', 'show what the guest says, and send it nothing'),
    force: flag('--force', 'take it from whoever has it open'),
    reason: text('--reason <text>', 'why; it is kept with the event'),
  },
  examples: ['kennel vm console db-1', 'kennel vm console db-1 --read-only > db-1.log'],
  run: async (call) =>
    (await import('../actions/vm-look.ts')).openConsole(call, call.arguments.vm, call.options),
});

export const screenshot = command({
  name: 'screenshot',
  summary: 'write a picture of the screen of a VM into a file',
  description: [
    'The picture is as the hypervisor of its node makes it: a portable pixmap (PPM), or PNG from newer ones; which one is said. The VM needs a graphics card (graphics: vnc).',
  ],
  arguments: {
    vm,
    file: {
      summary: 'where it is written; a file of that name is replaced',
      completes: { kind: 'file' },
    },
  },
  options: {},
  examples: ['kennel vm screenshot db-1 db-1.ppm'],
  run: async (call) => (await import('../actions/vm-look.ts')).takeScreenshot(call, call.arguments),
});
