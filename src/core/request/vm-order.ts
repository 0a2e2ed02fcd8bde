import type { VmRecord, VmSpec } from '../model/vm.ts';
import { findCycle, waitsFor } from '../order/dependencies.ts';
import type { Problem } from '../problem.ts';

/** Why a spec may not wait for what it names, beside the VMs there are; null = it may (FAILURES V19). */
export function orderProblem(spec: VmSpec, vms: readonly VmRecord[]): Problem | null {
  const names = waitsFor(spec);
  if (names.length === 0) return null;
  const what = `VM ${spec.name} is refused`;
  const so = 'nothing was created';
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    const because = `it waits for ${twice} twice`;
    return { code: 'E_SPEC_INVALID', what, because, so, try: ['keep one of the two entries'] };
  }
  const cycle = findCycle([...vms.map((vm) => vm.spec), spec]);
  if (cycle !== null) {
    const because = `each of these would wait for the next: ${cycle.join(' → ')}`;
    return { code: 'E_ORDER_CYCLE', what, because, so, try: ['take one entry out of after'] };
  }
  const known = new Set(vms.filter((vm) => !vm.deleting).map((vm) => vm.spec.name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return null;
  const because = `it is to start after ${unknown.join(', ')}, and there is no such VM`;
  return { code: 'E_NOT_FOUND', what, because, so, try: ['kennel vm ls', 'create that VM first'] };
}
