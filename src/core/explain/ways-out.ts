import type { VmRecord } from '../model/vm.ts';
import { isHeld } from '../order/hold.ts';

/** Commands that end what a VM waits for, or say what else would (FAILURES I5). */
export function waysOut(vm: VmRecord): readonly string[] {
  const { name } = vm.spec;
  const owner = vm.permit?.node ?? null;
  const byForce =
    owner === null
      ? []
      : [`kennel vm stop ${name} --force`, `kennel node fence ${owner} --reason "..."`];
  switch (vm.phase) {
    case 'stopped':
      return isHeld(vm)
        ? [`kennel vm start ${name}`]
        : [`kennel why vm ${name}`, `kennel vm edit ${name} --file FILE`];
    case 'backoff':
      return [`kennel vm start ${name}`];
    case 'failed':
      return owner === null ? [`kennel vm start ${name}`] : byForce;
    case 'starting':
    case 'recovering':
      return owner === null
        ? [`kennel why vm ${name}`]
        : [`kennel explain ${owner}`, `kennel why vm ${name}`];
    case 'stopping':
      return byForce;
    case 'migrating':
      return [`kennel vm migrate ${name} --cancel`];
    case 'running':
      return owner === null ? [] : [`kennel explain ${owner}`];
    default:
      return vm.phase satisfies never;
  }
}
