import type { VmView } from '../api/schema/views.ts';
import { verbText } from '../core/model/vm-action.ts';
import type { Problem } from '../core/problem.ts';
import type { Goal } from './change.ts';
import { describeVm } from './vm-goals.ts';
import { onValue } from './wait-until.ts';

/** The owner's answer to this very call. `again`: the command that makes it anew. */
export function whenAnswered(
  name: string,
  request: string,
  { reached, again }: { readonly reached: string; readonly again: string },
): Goal<VmView, VmView> {
  return {
    what: `answer of the node of VM ${name}`,
    lookWith: `kennel vm show ${name}`,
    look: (client) => client.vm(name),
    judge: onValue((vm: VmView) => {
      const acted = vm.acted.find((one) => one.request === request);
      if (acted === undefined) return { kind: 'pending', state: describeVm(vm) };
      if (acted.outcome === 'done') return { kind: 'reached', value: vm };
      return { kind: 'lost', problem: notDone(vm, acted, again) };
    }),
    reached,
  };
}

function notDone(
  vm: VmView,
  { verb, outcome, detail }: VmView['acted'][number],
  again: string,
): Problem {
  const isFailed = outcome === 'failed';
  return {
    code: isFailed ? 'E_CONFLICT' : 'E_AMBIGUOUS',
    what: `${verbText(verb)} of VM ${vm.name} ${isFailed ? 'failed' : 'may have worked'}`,
    because: detail ?? 'no reason was given',
    so: notDoneText(verb, isFailed),
    try: [`kennel vm show ${vm.name}`, again],
  };
}

function notDoneText(verb: VmView['acted'][number]['verb'], isFailed: boolean): string {
  if (!isFailed) return 'it is not tried again by itself';
  return verb === 'revert'
    ? 'it runs on as it was, or is started afresh if its process was ended already'
    : 'nothing was done to it';
}
