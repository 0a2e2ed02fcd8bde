import { checkKey, defaultGuestPolicy, type GuestPolicy } from '../model/guest.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import type { DomainObservation } from '../observations.ts';
import { isLeaving } from './downtime.ts';
import type { Draft } from './draft.ts';
import { withRelease } from './operations.ts';
import type { DomainView } from './ownership.ts';
import { healthOf, isNodesTrouble } from './guest-health.ts';
import { afterFailure } from './tries.ts';

export function policyOf({ spec }: VmRecord): GuestPolicy {
  return spec.guest ?? defaultGuestPolicy;
}

/**
 * A VM that ended by itself and is to stay off then: so it is wanted from now on. True when that was
 * decided; else it is started again (FAILURES V2, V4). What cannot be told apart from somebody else's
 * hand, or from a loss of libvirt's memory, is no shutdown of the guest: so what ends on a node that goes
 * down, which shuts its guests down.
 */
export function staysOff(draft: Draft, vm: VmRecord, node: NodeRecord, view: DomainView): boolean {
  if (isLeaving(node)) return false;
  const how = view.kind === 'present' ? endOf(view.domain) : 'unknown';
  const { onShutdown, onCrash } = policyOf(vm);
  const isWanted =
    (how === 'shutdown' && onShutdown === 'stayOff') || (how === 'crash' && onCrash === 'stayOff');
  if (!isWanted) return false;
  const what = how === 'shutdown' ? 'shut itself down' : 'crashed';
  const reason = `its guest ${what} on ${node.id}, and it is to stay off then`;
  draft.put({ ...withRelease(vm, true), desired: 'stopped', reason });
  draft.event({
    code: 'VM_STAYS_OFF',
    severity: how === 'shutdown' ? 'info' : 'warning',
    node: node.id,
    vm: vm.id,
    text: `${vm.spec.name}: ${reason}`,
  });
  return true;
}

function endOf({ state, reason }: DomainObservation): 'shutdown' | 'crash' | 'unknown' {
  if (state === 'shutOff' && reason === 'shutdown') return 'shutdown';
  return state === 'crashed' || reason === 'crashed' ? 'crash' : 'unknown';
}

/**
 * A guest that panicked and is still there, or is ill: it is stopped, and started anew as after any
 * failure, first where it was. True when that was decided. Nothing is done about a guest that stands
 * still, is being moved or has something else under way, or whose node goes down: it could not have
 * answered, or soon may.
 */
export function restartsGuest(
  draft: Draft,
  vm: VmRecord,
  node: NodeRecord,
  domain: DomainObservation,
): boolean {
  if (isLeaving(node)) return false;
  const { onCrash } = policyOf(vm);
  // Its hypervisor keeps it, as an earlier spec may have asked.
  if (domain.state === 'crashed' && onCrash === 'stayOff') {
    return staysOff(draft, vm, node, { kind: 'present', domain });
  }
  if (domain.state === 'crashed' && onCrash !== 'preserve') {
    restart(draft, vm, node, { code: 'VM_PANICKED', because: 'its guest panicked' });
    return true;
  }
  const { health } = policyOf(vm);
  if (health === null || domain.state !== 'running') return false;
  if (healthOf(vm, domain) !== 'ill' || isNodesTrouble(draft, node)) return false;
  const because = `its health check does not pass (${checkKey(health.check)})`;
  restart(draft, vm, node, { code: 'VM_ILL', because });
  return true;
}

function restart(
  draft: Draft,
  vm: VmRecord,
  node: NodeRecord,
  { code, because }: { readonly code: string; readonly because: string },
): void {
  const reason = `restarted on ${node.id}: ${because}`;
  draft.put({ ...withRelease(vm, true), tries: afterFailure(vm), reason });
  draft.event({
    code,
    severity: 'warning',
    node: node.id,
    vm: vm.id,
    text: `${vm.spec.name} is restarted, it was on ${node.id}: ${because}`,
  });
}

/** Whether its earlier failures may be forgotten once it has run for a while. */
export function isWell(vm: VmRecord, domain: DomainObservation): boolean {
  const { health } = policyOf(vm);
  if (domain.state === 'crashed') return false;
  if (health === null) return true;
  const verdict = healthOf(vm, domain);
  return verdict === 'passing' || (verdict === 'pending' && health.check.kind === 'agent');
}
