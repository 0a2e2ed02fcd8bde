import type { VmId } from '../../src/core/model/ids.ts';
import type { HypervisorResult } from '../hypervisor.ts';
import type { LibvirtClient } from './client.ts';
import { uuidBytes } from './domain-ref.ts';
import { libvirtError } from './errors.ts';
import { callFailure } from './hypervisor-result.ts';
import { procedures } from './procedures.ts';

const ping = JSON.stringify({ execute: 'guest-ping' });
/** What libvirtd itself may need beyond the time that the guest has. */
const daemonMs = 3000;

/** As `Hypervisor.pingGuest`. libvirtd ends the question itself, so that it holds no place for long. */
export async function pingGuest(
  { guests }: Pick<LibvirtClient, 'guests'>,
  vm: VmId,
  timeoutMs: number,
): Promise<HypervisorResult<void>> {
  const uuid = uuidBytes(vm);
  if (uuid === null) return { kind: 'failed', code: 'vmIdInvalid', message: `${vm} is no UUID` };
  const found = await guests.call(procedures.lookupByUuid, { uuid }, daemonMs);
  if (found.kind !== 'ok') return { kind: 'ambiguous', message: `${vm} cannot be looked up` };
  const { domain } = found.value;
  const timeoutS = Math.max(1, Math.ceil(timeoutMs / 1000));
  const asked = { domain, command: ping, timeoutS, flags: 0 };
  const result = await guests.call(procedures.agentCommand, asked, timeoutS * 1000 + daemonMs);
  if (result.kind === 'ok') return { kind: 'ok', value: undefined };
  if (result.kind === 'error') {
    const { number } = result.error;
    const isGone = number === libvirtError.noDomain || number === libvirtError.operationInvalid;
    if (!isGone) return callFailure(result);
  }
  return { kind: 'ambiguous', message: `the guest agent of ${domain.name} was not asked` };
}
