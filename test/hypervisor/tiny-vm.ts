import type { VmSpec } from '../../src/core/model/vm.ts';

/** The smallest VM that libvirt boots: software emulation, 2 MiB, no disk. */
export function tinySpec(name: string): VmSpec {
  return {
    name,
    vcpus: 1,
    memoryMiB: 2,
    disks: [],
    interfaces: [],
    priority: 'medium',
    definition: { kind: 'typed', machine: 'pc', emulated: true },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: { restarts: 2, relocations: 2 },
  };
}

/** A person's XML of the same. */
export function tinyXml(name: string): string {
  return `<domain type='qemu'>
  <!-- by hand -->
  <name>${name}</name>
  <memory unit='MiB'>2</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><tcg><tb-cache unit='MiB'>1</tb-cache></tcg></features>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>`;
}
