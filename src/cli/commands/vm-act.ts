import { actionVerbs, type ActionVerb } from '../../core/model/vm-action.ts';
import { changeOptions } from '../change-options.ts';
import { command, type Command } from '../command.ts';
import { flag, text } from '../option.ts';

const vm = { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } as const;

/** The same call again does nothing: what a script needs that does not know whether it was heard. */
const request = text('--request <id>', 'name of this call; made again, it is not done again');

const texts: Readonly<Record<ActionVerb, { summary: string; description: readonly string[] }>> = {
  pause: {
    summary: 'let the guest of a running VM stand still, with its memory',
    description: [
      'The VM keeps its node, its room and its permit, and no crash or health policy is applied to it. A pause lives in the memory of its node: a VM that is recovered off a dead node runs.',
    ],
  },
  resume: { summary: 'let a paused guest go on', description: [] },
  reset: {
    summary: 'press the reset button: the guest begins anew without a shutdown',
    description: [
      'The process of the VM stays, so a changed spec does not take effect; see restart.',
    ],
  },
  reboot: {
    summary: 'ask the guest to reboot',
    description: [
      'Reached means asked: what becomes of it is up to the guest. The process of the VM stays, so a changed spec does not take effect; see restart.',
    ],
  },
};

function actCommand(verb: ActionVerb): Command {
  return command({
    name: verb,
    ...texts[verb],
    arguments: { vm },
    options: { request, ...changeOptions },
    examples: [`kennel vm ${verb} db-1 --wait`],
    run: async (call) =>
      (await import('../actions/vm-act.ts')).actOnVm(call, call.arguments.vm, verb, call.options),
  });
}

export const actCommands: readonly Command[] = actionVerbs.map(actCommand);

export const restart = command({
  name: 'restart',
  summary: 'shut a VM down and start it anew, at home',
  description: [
    'Asks the guest first; with --force the power is cut at once. What was changed in its spec takes effect. It starts on its node again where that can still take it.',
  ],
  arguments: { vm },
  options: { force: flag('--force', 'cut the power at once'), request, ...changeOptions },
  examples: ['kennel vm restart db-1 --wait', 'kennel vm restart db-1 --force -y'],
  run: async (call) =>
    (await import('../actions/vm-act.ts')).restartVm(call, call.arguments.vm, call.options),
});
