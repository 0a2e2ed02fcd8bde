import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandResult } from './command.ts';
import { heartbeatRange, newestBeat, parseHeartbeats } from './heartbeat.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { LabNode } from './node-machine.ts';
import { labDiskXmlSource } from './storage.ts';
import type { LabDisk } from './storage.ts';
import { virsh } from './virsh.ts';

/** A VM that runs the heartbeat guest, for using a lab without Kennel. */
export interface HeartbeatVm {
  readonly name: string;
  /** The same on every node. */
  readonly uuid: string;
  readonly disk: LabDisk;
}

export function heartbeatVm(disk: LabDisk): HeartbeatVm {
  return { name: `vm-${disk.name}`, uuid: randomUUID(), disk };
}

/**
 * Its domain XML. The disk has no lock of any kind: a second start elsewhere is possible, and the
 * witness shows it.
 */
function heartbeatVmXml(vm: HeartbeatVm): string {
  return `<domain type='qemu'>
  <name>${vm.name}</name>
  <uuid>${vm.uuid}</uuid>
  <memory unit='MiB'>2</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/><tcg><tb-cache unit='MiB'>1</tb-cache></tcg></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='none' error_policy='stop'/>
      ${labDiskXmlSource(vm.disk)}
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='file'><source path='/var/log/libvirt/${vm.name}.log' append='on'/></serial>
  </devices>
</domain>
`;
}

/** Defines the VM on a node and boots it there, whoever else may be running it. */
export async function startHeartbeatVm(node: LabNode, vm: HeartbeatVm): Promise<CommandResult> {
  const file = join(node.directory, `${vm.name}.xml`);
  writeFileSync(file, heartbeatVmXml(vm));
  const defined = await virsh(node.libvirtSocket, ['define', file, '--validate']);
  return defined.code === 0 ? virsh(node.libvirtSocket, ['start', vm.name]) : defined;
}

/** The newest heartbeat on a disk as it is now; null before the first. */
export function newestHeartbeat(disk: LabDisk): Heartbeat | null {
  const { position, length } = heartbeatRange;
  const bytes = readFileSync(disk.file).subarray(position, position + length);
  return newestBeat(parseHeartbeats(bytes));
}
