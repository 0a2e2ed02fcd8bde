import type { Oracles } from './oracles.ts';
import type { Fault } from './scenario.ts';
import type { Stage } from './stage.ts';

/** What ends it; null when it found nothing to strike. */
export function troubleWatchdog(
  stage: Stage,
  { sometimes }: Oracles,
  fault: Extract<Fault, { readonly kind: 'petter' | 'unkillable' }>,
): (() => void) | null {
  const node = stage.node(fault.node);
  if (node === null) return null;
  if (fault.kind === 'unkillable') {
    const vms = node.hypervisor.domains().map(({ vm }) => vm);
    for (const vm of vms) node.hypervisor.setTemper(vm, { starts: () => true, stops: false });
    return () => {
      for (const vm of vms) node.hypervisor.setTemper(vm, { starts: () => true, stops: true });
    };
  }
  const { watchdog } = node;
  const process = watchdog?.process ?? null;
  if (watchdog === null || process === null) return null;
  if (fault.how === 'crash') {
    node.machine.crash('watchdog');
    return () => undefined;
  }
  if (fault.how === 'disarm') {
    if (!watchdog.askToDisarm()) sometimes.hit('a petter refused to disarm');
    return () => undefined;
  }
  process.beforeEffect(fault.how.beforePet, () => process.pause('stopped'));
  return () => {
    process.beforeEffect(Number.MAX_SAFE_INTEGER, () => undefined);
    process.resume('stopped');
  };
}
