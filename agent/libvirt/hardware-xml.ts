import type {
  CpuModel,
  VmClock,
  VmCpu,
  VmHardware,
  VmWatchdog,
  WatchdogAction,
} from '../../src/core/model/hardware.ts';
import type { XmlElement } from './xml-writer.ts';
import { element } from './xml-writer.ts';

/** The operating system: type, and firmware where it is not the BIOS. */
export function osElement(type: XmlElement, { firmware }: VmHardware): XmlElement {
  if (firmware.kind === 'bios') return element('os', {}, type);
  const enabled = firmware.secureBoot ? 'yes' : 'no';
  const secure = element(
    'firmware',
    {},
    element('feature', { enabled, name: 'secure-boot' }),
    element('feature', { enabled, name: 'enrolled-keys' }),
  );
  const { variables } = firmware;
  const nvram = variables === null ? [] : [element('nvram', {}, variables)];
  return element('os', { firmware: 'efi' }, type, secure, ...nvram);
}

/** Secure boot needs the guest's system-management mode. */
export function firmwareFeatures({ firmware }: VmHardware): readonly XmlElement[] {
  return firmware.kind === 'efi' && firmware.secureBoot ? [element('smm', { state: 'on' })] : [];
}

export function memoryBacking({ hugepageKiB }: VmHardware): readonly XmlElement[] {
  if (hugepageKiB === null) return [];
  const page = element('page', { size: hugepageKiB, unit: 'KiB' });
  return [element('memoryBacking', {}, element('hugepages', {}, page))];
}

/** What a plain machine has when nothing is said: under emulation, QEMU's own choice. */
const plainCpu: VmCpu = {
  model: { kind: 'hostModel' },
  require: [],
  disable: [],
  topology: null,
};

export function cpuElements({ cpu }: VmHardware, emulated: boolean): readonly XmlElement[] {
  if (cpu === null && emulated) return [];
  const { model, require, disable, topology } = cpu ?? plainCpu;
  const shape = topology === null ? [] : [element('topology', { ...topology })];
  return [
    element(
      'cpu',
      cpuAttributes(model, emulated),
      ...(model.kind === 'named' ? [element('model', { fallback: 'forbid' }, model.name)] : []),
      ...shape,
      ...require.map((name) => element('feature', { policy: 'require', name })),
      ...disable.map((name) => element('feature', { policy: 'disable', name })),
    ),
  ];
}

function cpuAttributes(model: CpuModel, emulated: boolean): XmlElement['attributes'] {
  switch (model.kind) {
    case 'hostModel':
      // Emulation has no host whose model could be taken.
      return emulated ? { mode: 'maximum' } : { mode: 'host-model', check: 'partial' };
    case 'hostPassthrough':
      return emulated ? { mode: 'maximum' } : { mode: 'host-passthrough', check: 'none' };
    case 'maximum':
      return { mode: 'maximum' };
    case 'named':
      // A guest that was given less than it asked for would fail on another day, elsewhere.
      return { mode: 'custom', match: 'exact', check: emulated ? 'none' : 'full' };
    default:
      return model satisfies never;
  }
}

export function clockElement(clock: VmClock): XmlElement {
  switch (clock.kind) {
    case 'utc':
    case 'localtime':
      return element('clock', { offset: clock.kind });
    case 'timezone':
      return element('clock', { offset: 'timezone', timezone: clock.name });
    default:
      return clock satisfies never;
  }
}

/** Devices that a plain machine does not have. */
export function extraDevices(hardware: VmHardware): readonly XmlElement[] {
  const { graphics, watchdog, tpm, hostDevices } = hardware;
  return [
    ...(graphics === 'none' ? [] : graphicsElements()),
    ...(watchdog === null ? [] : [watchdogElement(watchdog)]),
    ...(tpm ? [tpmElement()] : []),
    ...hostDevices.map(hostDeviceElement),
  ];
}

/** On the node's loopback alone: whoever may see the screen comes by the API. */
function graphicsElements(): readonly XmlElement[] {
  const listen = element('listen', { type: 'address', address: '127.0.0.1' });
  return [
    element('graphics', { type: 'vnc', port: -1, autoport: 'yes' }, listen),
    element('video', {}, element('model', { type: 'vga' })),
  ];
}

const watchdogActions: Readonly<Record<WatchdogAction, string>> = {
  reset: 'reset',
  poweroff: 'poweroff',
  pause: 'pause',
  injectNmi: 'inject-nmi',
};

function watchdogElement({ model, action }: VmWatchdog): XmlElement {
  return element('watchdog', { model, action: watchdogActions[action] });
}

function tpmElement(): XmlElement {
  const backend = element('backend', { type: 'emulator', version: '2.0' });
  return element('tpm', { model: 'tpm-crb' }, backend);
}

/** `managed`: libvirt takes the device from the node's driver, and gives it back. */
function hostDeviceElement(address: string): XmlElement {
  const [domain = '', bus = '', rest = ''] = address.split(':');
  const [slot = '', fn = ''] = rest.split('.');
  const where = { domain: `0x${domain}`, bus: `0x${bus}`, slot: `0x${slot}`, function: `0x${fn}` };
  return element(
    'hostdev',
    { mode: 'subsystem', type: 'pci', managed: 'yes' },
    element('source', {}, element('address', where)),
  );
}
