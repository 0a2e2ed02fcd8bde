import type { VmView } from '../api/schema/views.ts';
import type { Goal } from './change.ts';
import { onValue, untilGone } from './wait-until.ts';
import type { Verdict } from './wait-until.ts';

type VmGoal<V> = Goal<V, VmView>;

/** The VM is seen in one of these states; `failed` ends the wait unless it is one of them. */
export function vmReaches<V>(name: string, states: readonly VmView['state'][]): VmGoal<V> {
  return {
    what: `VM ${name} ${states.join(' or ')}`,
    lookWith: `kennel explain ${name}`,
    look: (client) => client.vm(name),
    judge: onValue((vm) => judgeVm(vm, states)),
    reached: `vm ${name}: ${states[0] ?? ''}`,
  };
}

function judgeVm(vm: VmView, states: readonly VmView['state'][]): Verdict<VmView> {
  if (states.includes(vm.state)) return { kind: 'reached', value: vm };
  if (vm.state !== 'failed') return { kind: 'pending', state: describeVm(vm) };
  return {
    kind: 'lost',
    problem: {
      code: 'E_CONFLICT',
      what: `VM ${vm.name} failed`,
      because: vm.reason ?? 'no reason is recorded',
      so: 'it is not started again until its window is over',
      try: [`kennel explain ${vm.name}`, `kennel vm start ${vm.name}`],
    },
  };
}

export function vmGone<V>(name: string): VmGoal<V> {
  return {
    what: `VM ${name} gone`,
    lookWith: `kennel explain ${name}`,
    look: (client) => client.vm(name),
    judge: untilGone(describeVm),
    reached: `vm ${name}: gone`,
  };
}

export function describeVm(vm: VmView): string {
  const where = vm.node === null ? '' : ` on ${vm.node}`;
  const why = vm.reason === null ? '' : ` (${vm.reason})`;
  return `${vm.name} is ${vm.state}${where}${why}`;
}
