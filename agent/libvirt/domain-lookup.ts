import type { VmId } from '../../src/core/model/ids.ts';
import type { HypervisorResult } from '../hypervisor.ts';
import type { DomainRef } from './domain-ref.ts';
import { uuidBytes } from './domain-ref.ts';
import { libvirtError } from './errors.ts';
import { callFailure } from './hypervisor-result.ts';
import type { Link } from './link.ts';
import { procedures } from './procedures.ts';

export type Failure = Exclude<HypervisorResult<never>, { readonly kind: 'ok' }>;
export type DomainLookup =
  | { readonly kind: 'found'; readonly domain: DomainRef }
  | { readonly kind: 'absent' }
  | Failure;

export const done: HypervisorResult<void> = { kind: 'ok', value: undefined };
export const failed = (code: string, message: string): Failure => ({
  kind: 'failed',
  code,
  message,
});

/** The domain as libvirt has it now; its id says whether it is active. */
export async function lookUpDomain(reads: Link, vm: VmId, readMs: number): Promise<DomainLookup> {
  const uuid = uuidBytes(vm);
  if (uuid === null) return failed('vmIdInvalid', `${vm} is not a UUID`);
  const found = await reads.call(procedures.lookupByUuid, { uuid }, readMs);
  if (found.kind === 'ok') return { kind: 'found', domain: found.value.domain };
  if (found.kind === 'error' && found.error.number === libvirtError.noDomain) {
    return { kind: 'absent' };
  }
  return callFailure(found);
}

/** The domain, or why nothing can be done to it: it is not here. */
export async function findDomain(
  reads: Link,
  vm: VmId,
  readMs: number,
): Promise<{ readonly kind: 'found'; readonly domain: DomainRef } | Failure> {
  const found = await lookUpDomain(reads, vm, readMs);
  return found.kind === 'absent' ? failed('noDomain', `${vm} is not defined here`) : found;
}
