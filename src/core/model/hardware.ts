/** Which processor the guest sees. `hostPassthrough` migrates only between equal processors. */
export type CpuModel =
  | { readonly kind: 'hostModel' }
  | { readonly kind: 'hostPassthrough' }
  | { readonly kind: 'maximum' }
  /** A model of libvirt's list, for example `Skylake-Server-v4`. */
  | { readonly kind: 'named'; readonly name: string };

export interface VmCpu {
  readonly model: CpuModel;
  /** Features the host must have, and such as the guest must not see. */
  readonly require: readonly string[];
  readonly disable: readonly string[];
  /** Their product is the number of virtual CPUs; null = libvirt's own. */
  readonly topology: {
    readonly sockets: number;
    readonly cores: number;
    readonly threads: number;
  } | null;
}

export type VmFirmware =
  | { readonly kind: 'bios' }
  | {
      readonly kind: 'efi';
      readonly secureBoot: boolean;
      /** File of the EFI variables that every node mounts; null = one of each node's own. */
      readonly variables: string | null;
    };

export type VmClock =
  | { readonly kind: 'utc' }
  | { readonly kind: 'localtime' }
  | { readonly kind: 'timezone'; readonly name: string };

export type WatchdogAction = 'reset' | 'poweroff' | 'pause' | 'injectNmi';

/** A guest's own watchdog device: what the node does when the guest stops petting it. */
export interface VmWatchdog {
  readonly model: 'i6300esb' | 'ib700';
  readonly action: WatchdogAction;
}

/** What a typed definition says of the machine beyond processors, memory, disks and cards. */
export interface VmHardware {
  readonly cpu: VmCpu | null;
  readonly firmware: VmFirmware;
  /** Size of the huge pages that hold the guest's memory; null = ordinary pages. */
  readonly hugepageKiB: 2048 | 1_048_576 | null;
  readonly clock: VmClock;
  readonly graphics: 'none' | 'vnc';
  readonly watchdog: VmWatchdog | null;
  /** An emulated TPM 2.0. */
  readonly tpm: boolean;
  /** PCI devices of a node given to the guest, `0000:03:00.0`. */
  readonly hostDevices: readonly string[];
  /** `<domain>` whose elements are put into the XML that is made from all this; null = none. */
  readonly overlay: string | null;
}

export const plainHardware: VmHardware = {
  cpu: null,
  firmware: { kind: 'bios' },
  hugepageKiB: null,
  clock: { kind: 'utc' },
  graphics: 'none',
  watchdog: null,
  tpm: false,
  hostDevices: [],
  overlay: null,
};

/** What of a machine does not come along to another node, for people; empty = all of it does. */
export function leftBehind(hardware: VmHardware): readonly string[] {
  const { firmware, tpm, hostDevices, cpu } = hardware;
  return [
    ...hostDevices.map(
      (address) =>
        `device ${address} is one node's own: the VM starts elsewhere only where the same address has the same device, and cannot move while it runs`,
    ),
    ...(tpm
      ? ['the contents of its TPM stay on a node: it starts elsewhere with an empty one']
      : []),
    ...(firmware.kind === 'efi' && firmware.variables === null
      ? ['its EFI variables stay on a node: it starts elsewhere with those of the firmware']
      : []),
    ...(cpu?.model.kind === 'hostPassthrough'
      ? [
          'it has the processor of its node: it moves while it runs only to a node with an equal one',
        ]
      : []),
  ];
}
