import type { Recorder } from './recorder.ts';
import type { Fault } from './scenario.ts';
import { type Stage, vmName } from './stage.ts';

/**
 * A person starts a VM past Kennel. Never a second copy beside one that runs: that would be the
 * person's fault alone. Null when there was nothing to do.
 */
export function byHand(
  stage: Stage,
  recorder: Recorder,
  { node: target, vm, how }: Extract<Fault, { readonly kind: 'byHand' }>,
): (() => void) | null {
  const name = vmName(vm);
  const record = recorder.record(name);
  const node = stage.node(target);
  if (record === null || node === null) return null;
  const live = stage.domains(name).find(({ domain }) => domain.live !== undefined);
  if (how === 'instead') {
    if (live === undefined || live.domain.live?.permit == null) return null;
    live.node.hypervisor.crash(live.domain.vm);
    live.node.hypervisor.startByHand(live.domain.vm, name);
    live.node.machine.crashAgent();
    return () => undefined;
  }
  const isFree = (): boolean => {
    const now = recorder.record(name);
    const runs = stage.domains(name).some(({ domain }) => domain.live !== undefined);
    return now !== null && now.holder === null && now.desired === 'stopped' && !runs;
  };
  if (!isFree()) return null;
  if (how === 'now') {
    node.hypervisor.startByHand(record.vm, name);
    return () => undefined;
  }
  let armed = true;
  node.machine.onBoot(() => {
    if (armed && isFree()) node.hypervisor.startByHand(record.vm, name);
    armed = false;
  });
  node.machine.reset();
  return () => undefined;
}
