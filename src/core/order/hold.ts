import type { VmRecord } from '../model/vm.ts';

/** Its time to wait for another is over, and it waits on: until that one is ready, or a person starts it. */
export function isHeld({ desired, permit, spec, wait }: VmRecord): boolean {
  if (desired !== 'running' || permit !== null || wait == null) return false;
  const { overdue, overruled = false } = wait;
  if (overruled) return false;
  return (spec.after ?? []).some((one) => one.onTimeout === 'hold' && overdue.includes(one.vm));
}
