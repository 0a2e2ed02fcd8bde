import type { VmRecord } from '../model/vm.ts';
import type { Draft } from './draft.ts';

/** The record goes; its tokens are never given out again, should the UUID come back. */
export function forget(draft: Draft, vm: VmRecord): void {
  draft.remove(vm);
  const counters = draft.counters();
  if (vm.lastToken > counters.token) draft.put({ ...counters, token: vm.lastToken });
}
