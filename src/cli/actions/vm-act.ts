import type { VmView } from '../../api/schema/views.ts';
import type { ActionVerb } from '../../core/model/vm-action.ts';
import type { Change } from '../change-options.ts';
import { runChange, type Goal } from '../change.ts';
import type { Call } from '../command.ts';
import { describeVm } from '../vm-goals.ts';
import { whenAnswered } from '../vm-answered.ts';

interface ActOptions extends Change {
  readonly request: string | null;
}

const questions: Readonly<Record<ActionVerb, ((vm: string) => string) | null>> = {
  pause: null,
  resume: null,
  reset: (vm) => `The guest of VM ${vm} loses what it has not written.`,
  reboot: null,
};

const doneTexts: Readonly<Record<ActionVerb, string>> = {
  pause: 'stands still',
  resume: 'goes on',
  reset: 'was reset',
  reboot: 'was asked to reboot',
};

export async function actOnVm(
  call: Call,
  vm: string,
  verb: ActionVerb,
  options: ActOptions,
): Promise<number> {
  const request = options.request ?? (await call.world.env()).random.uuid();
  const question = questions[verb]?.(vm) ?? null;
  return runChange(call, options, {
    question: question === null ? null : { question, typed: null },
    apply: (client, how) => client.actOnVm(vm, { verb, request, force: false }, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? `${verb} would be asked of` : `${verb} is asked of`} ${view.node ?? 'its node'} (${describeVm(view)})`,
    goal: whenAnswered(vm, request, {
      reached: `vm ${vm}: ${doneTexts[verb]}`,
      again: `kennel vm ${verb} ${vm}`,
    }),
  });
}

export async function restartVm(
  call: Call,
  vm: string,
  options: ActOptions & { readonly force: boolean },
): Promise<number> {
  const request = options.request ?? (await call.world.env()).random.uuid();
  const { force } = options;
  const question = force
    ? `VM ${vm} loses power at once, without a shutdown of its guest.`
    : `VM ${vm} is shut down and started anew.`;
  return runChange(call, options, {
    question: { question, typed: null },
    apply: (client, how) => client.actOnVm(vm, { verb: 'restart', request, force }, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? 'would be restarted' : 'is restarted'} (${describeVm(view)})`,
    goal: whenAnew(vm),
  });
}

/** It runs by a newer permit: that of a start. */
function whenAnew(name: string): Goal<VmView, VmView> {
  return {
    what: `VM ${name} running anew`,
    lookWith: `kennel explain ${name}`,
    look: (client) => client.vm(name),
    judge: (seen, before) => {
      if (seen.kind === 'problem') return { kind: 'lost', problem: seen.problem };
      const vm = seen.value;
      const isNewer = (vm.permit?.token ?? 0) > (before.permit?.token ?? 0);
      return vm.state === 'running' && isNewer
        ? { kind: 'reached', value: vm }
        : { kind: 'pending', state: describeVm(vm) };
    },
    reached: `vm ${name}: runs anew`,
  };
}
