import { defaultGuestPolicy, type GuestPolicy } from '../../src/core/model/guest.ts';
import { plainHardware, type VmHardware } from '../../src/core/model/hardware.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { VmDisk, VmInterface, VmSpec } from '../../src/core/model/vm.ts';
import { diskElements } from './disk-xml.ts';
import {
  clockElement,
  cpuElements,
  extraDevices,
  firmwareFeatures,
  memoryBacking,
  osElement,
} from './hardware-xml.ts';
import { withOverlay } from './overlay.ts';
import { permitElement } from './permit-metadata.ts';
import type { WrittenXml, XmlElement } from './xml-writer.ts';
import { element, writeXml } from './xml-writer.ts';

/** Present in every QEMU; a site that mixes QEMU versions states a versioned name instead. */
const defaultMachine = 'pc';

/** What libvirt does with a guest that panics; whether it starts again is not for libvirt to decide. */
const onCrash: Readonly<Record<GuestPolicy['onCrash'], string>> = {
  restart: 'destroy',
  stayOff: 'destroy',
  dump: 'coredump-destroy',
  preserve: 'preserve',
};

/** What the typed definition knows beside the spec. */
export interface TypedDefinition {
  readonly machine: string | null;
  /** Software emulation instead of KVM. */
  readonly emulated: boolean;
  readonly hardware?: VmHardware | undefined;
}

/** What a person can mend before libvirt is asked at all. */
function problemsOf(spec: VmSpec): readonly string[] {
  const problems: string[] = [];
  if (spec.name.trim() === '' || spec.name.includes('/')) {
    problems.push(`name ${JSON.stringify(spec.name)} is empty or has a slash`);
  }
  if (!Number.isInteger(spec.vcpus) || spec.vcpus < 1)
    problems.push(`vcpus ${spec.vcpus} is not >= 1`);
  if (!Number.isInteger(spec.memoryMiB) || spec.memoryMiB < 1) {
    problems.push(`memoryMiB ${spec.memoryMiB} is not >= 1`);
  }
  for (const { mac } of spec.interfaces) {
    if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac))
      problems.push(`mac ${mac} is not six hex pairs`);
  }
  for (const { source } of spec.disks) {
    const file = source.kind === 'sharedFile' || source.kind === 'local';
    if (file && !source.path.startsWith('/')) problems.push(`disk ${source.path} is not absolute`);
  }
  if (spec.consoleLog !== null && !spec.consoleLog.startsWith('/')) {
    problems.push(`consoleLog ${spec.consoleLog} is not absolute`);
  }
  return problems;
}

function interfaceElement({ mac, attach, model }: VmInterface): XmlElement {
  const source = attach.kind === 'bridge' ? { bridge: attach.bridge } : { network: attach.network };
  return element(
    'interface',
    { type: attach.kind },
    element('mac', { address: mac }),
    element('source', source),
    element('model', { type: model }),
  );
}

/** A log file is opened for appending: a move to another node must not cut it. */
function consoleElement(consoleLog: string | null): XmlElement {
  const target = element('target', { port: 0 });
  if (consoleLog === null) return element('serial', { type: 'pty' }, target);
  const source = element('source', { path: consoleLog, append: 'on' });
  return element('serial', { type: 'file' }, source, target);
}

function features(spec: VmSpec, emulated: boolean, hardware: VmHardware): XmlElement {
  // The translation cache would otherwise be a fixed share of the node's memory per VM.
  const cacheMib = Math.max(1, Math.min(32, Math.floor(spec.memoryMiB / 2)));
  const cache = element('tcg', {}, element('tb-cache', { unit: 'MiB' }, String(cacheMib)));
  return element(
    'features',
    {},
    element('acpi'),
    element('apic'),
    ...firmwareFeatures(hardware),
    ...(emulated ? [cache] : []),
  );
}

/** No USB, no balloon: what a server does not use costs memory on every node. */
function devices(spec: VmSpec, hardware: VmHardware): XmlElement {
  const scsi = element('controller', { type: 'scsi', index: 0, model: 'virtio-scsi' });
  return element(
    'devices',
    {},
    ...diskElements(spec.disks),
    ...(spec.disks.some((disk: VmDisk) => disk.bus === 'scsi') ? [scsi] : []),
    element('controller', { type: 'usb', index: 0, model: 'none' }),
    ...spec.interfaces.map(interfaceElement),
    consoleElement(spec.consoleLog),
    element(
      'channel',
      { type: 'unix' },
      element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }),
    ),
    ...extraDevices(hardware),
    element('memballoon', { model: 'none' }),
    element('panic', { model: 'isa' }),
  );
}

/**
 * The libvirt domain XML of a typed spec, with the permit in its metadata. The domain's UUID is the
 * VM's id. `invalid` names every problem; what libvirt alone can know it says at define.
 */
export function domainXml(spec: VmSpec, definition: TypedDefinition, permit: Permit): WrittenXml {
  const problems = problemsOf(spec);
  if (problems.length > 0) return { kind: 'invalid', message: problems.join('; ') };
  const { emulated, hardware = plainHardware } = definition;
  const type = element(
    'type',
    { arch: 'x86_64', machine: definition.machine ?? defaultMachine },
    'hvm',
  );
  const written = writeXml(
    element(
      'domain',
      { type: emulated ? 'qemu' : 'kvm' },
      element('name', {}, spec.name),
      element('uuid', {}, permit.vm),
      element('metadata', {}, permitElement(permit)),
      element('memory', { unit: 'MiB' }, String(spec.memoryMiB)),
      ...memoryBacking(hardware),
      element('vcpu', {}, String(spec.vcpus)),
      osElement(type, hardware),
      features(spec, emulated, hardware),
      ...cpuElements(hardware, emulated),
      clockElement(hardware.clock),
      // The leader decides whether a VM that ended runs again, never libvirt.
      element('on_poweroff', {}, 'destroy'),
      element('on_reboot', {}, 'restart'),
      element('on_crash', {}, onCrash[spec.guest?.onCrash ?? defaultGuestPolicy.onCrash]),
      devices(spec, hardware),
    ),
  );
  if (written.kind === 'invalid' || hardware.overlay === null) return written;
  return withOverlay(written.xml, hardware.overlay);
}
