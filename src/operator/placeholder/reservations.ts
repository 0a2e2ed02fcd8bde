import type { StatusView, VmView } from '../../api/schema/views.ts';

/** What one VM takes of one hypervisor, as Kennel's own placement counts it. */
export interface Reservation {
  /** Of the pod that stands for it. */
  readonly name: string;
  readonly vm: string;
  readonly hypervisor: string;
  readonly memoryMiB: number;
  readonly milliCpus: number;
}

/**
 * Every permit counts, also of VMs that are still starting, and a copy takes its room from the intent on: while
 * a VM moves it is reserved for twice. By the name of the pod.
 */
export function reservationsOf(
  vms: Iterable<VmView>,
  { vcpuOvercommit }: Pick<StatusView, 'vcpuOvercommit'>,
): ReadonlyMap<string, Reservation> {
  const reservations = new Map<string, Reservation>();
  for (const { id, name: vm, permit, move, memoryMiB, vcpus } of vms) {
    const target = move !== null && move.phase !== null ? move.to : null;
    for (const hypervisor of [permit?.node ?? null, target]) {
      if (hypervisor === null) continue;
      const name = `vm-${id}-${hypervisor}`;
      const milliCpus = Math.ceil((vcpus * 1000) / vcpuOvercommit);
      reservations.set(name, { name, vm, hypervisor, memoryMiB, milliCpus });
    }
  }
  return reservations;
}
