import type { VmView } from '../../api/schema/views.ts';
import { leftBehind, type VmCpu } from '../../core/model/hardware.ts';

/** What the machine has beyond a plain one. */
export function hardwareFields(vm: VmView): readonly [string, string][] {
  const { definition } = vm.spec;
  const hardware = definition.kind === 'typed' ? definition.hardware : undefined;
  if (hardware === undefined) return [];
  const { cpu, firmware, hugepageKiB, clock, watchdog } = hardware;
  const also = [
    ...(firmware.kind === 'efi' ? [firmware.secureBoot ? 'EFI with secure boot' : 'EFI'] : []),
    ...(hugepageKiB === null ? [] : [`huge pages of ${hugepageKiB / 1024} MiB`]),
    ...(clock.kind === 'utc'
      ? []
      : [`clock ${clock.kind === 'timezone' ? clock.name : clock.kind}`]),
    ...(hardware.graphics === 'none' ? [] : [hardware.graphics]),
    ...(watchdog === null ? [] : [`watchdog ${watchdog.model}, ${watchdog.action}`]),
    ...(hardware.tpm ? ['TPM'] : []),
    ...hardware.hostDevices.map((address) => `device ${address}`),
    ...(hardware.overlay === null ? [] : ['XML overlay']),
  ];
  return [
    ...(cpu === null ? [] : [['cpu', cpuText(cpu)] as [string, string]]),
    ...(also.length === 0 ? [] : [['hardware', also.join(', ')] as [string, string]]),
    ...leftBehind(hardware).map((text): [string, string] => ['stays behind', text]),
  ];
}

function cpuText({ model, topology, require, disable }: VmCpu): string {
  return [
    model.kind === 'named' ? model.name : model.kind,
    ...(topology === null
      ? []
      : [
          `${topology.sockets} × ${topology.cores} × ${topology.threads} (sockets, cores, threads)`,
        ]),
    ...require.map((name) => `+${name}`),
    ...disable.map((name) => `-${name}`),
  ].join(' ');
}
