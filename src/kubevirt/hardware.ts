import type { Cursor } from './cursor.ts';
import { preferredName } from './fields/preferred-name.ts';
import { featureElements, sysinfoElements, timerElements } from './features.ts';
import { overlayOf, xml, xmlText, type Xml } from './overlay-xml.ts';
import type { VmFile } from './vm-file.ts';

type Hardware = Pick<
  VmFile,
  'machine' | 'firmware' | 'clock' | 'graphics' | 'watchdog' | 'tpm' | 'overlay' | 'id'
>;

/** The machine beyond CPUs, memory, disks and cards. What a VM does not say its preference may. */
export function hardwareOf(domain: Cursor, preference: Cursor): Hardware {
  const devices = domain.at('devices');
  const preferred = preference.at('devices');
  const machine = domain.at('machine', 'type').word(64);
  const preferredMachine = preference.at('machine', 'preferredMachineType').word(64);
  const firmware = firmwareOf(domain.at('firmware'), preference.at('firmware'));
  const clock = clockOf(domain.at('clock'), preference.at('clock'));
  const graphics = devices.at('autoattachGraphicsDevice').flag();
  const preferredGraphics = preferred.at('preferredAutoattachGraphicsDevice').flag();
  const watchdog = watchdogOf(devices.at('watchdog', 'i6300esb'));
  const hasTpm = isWished(devices.at('tpm'), preferred.at('preferredTPM'));
  const overlay = overlayOf(elements({ domain, preference, firmware, clock }));
  const id = idOf(domain.at('firmware', 'uuid'));
  return {
    ...(id === null ? {} : { id }),
    machine: machine ?? preferredMachine ?? 'q35',
    ...(firmware.field === null ? {} : { firmware: firmware.field }),
    ...(clock.field === null ? {} : { clock: clock.field }),
    graphics: (graphics ?? preferredGraphics ?? true) ? 'vnc' : 'none',
    ...(watchdog === null ? {} : { watchdog }),
    ...(hasTpm ? { tpm: true } : {}),
    ...(overlay === null ? {} : { overlay }),
  };
}

function isWished(own: Cursor, preferred: Cursor): boolean {
  const wish = preferred.isOn();
  return own.exists ? own.isOn() : wish;
}

function idOf(at: Cursor): string | null {
  const text = at.text()?.toLowerCase() ?? null;
  if (text === null || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  at.refuse('is no UUID', { isFinal: true });
  return null;
}

interface Firmware {
  readonly field: NonNullable<VmFile['firmware']> | null;
  readonly hasSecureBoot: boolean;
  /** Whether the BIOS writes to the serial console. */
  readonly isOnSerial: boolean;
}

function firmwareOf(at: Cursor, preference: Cursor): Firmware {
  const bios = at.at('bootloader', 'bios');
  const efi = at.at('bootloader', 'efi');
  const secure = efi.at('secureBoot').flag();
  const serial = bios.at('useSerial').flag();
  const preferredBios = preference.at('preferredUseBios').flag() ?? false;
  const preferredSerial = preference.at('preferredUseBiosSerial').flag();
  const preferredEfi = preference.at('preferredEfi');
  const wantsEfi = preferredEfi.isGiven() || (preference.at('preferredUseEfi').flag() ?? false);
  const preferredSecure =
    preferredEfi.at('secureBoot').flag() ?? preference.at('preferredUseSecureBoot').flag();
  const isEfi = efi.isGiven();
  const isBios = bios.isGiven();
  if (isEfi && isBios) at.at('bootloader').refuse('has both bios and efi', { isFinal: true });
  if (isEfi || (!isBios && wantsEfi && !preferredBios)) {
    // Secure boot is what KubeVirt takes when nothing is said.
    const hasSecureBoot = secure ?? preferredSecure ?? true;
    return { field: { efi: { secureBoot: hasSecureBoot } }, hasSecureBoot, isOnSerial: false };
  }
  const isOnSerial = serial ?? preferredSerial ?? false;
  return { field: isBios || preferredBios ? 'bios' : null, hasSecureBoot: false, isOnSerial };
}

interface Clock {
  readonly field: string | null;
  /** Seconds that the guest's clock is ahead of UTC; 0 = it is not. */
  readonly offsetSeconds: number;
  readonly timers: readonly Xml[];
}

const week = 7 * 24 * 3600;

function clockOf(at: Cursor, preference: Cursor): Clock {
  const preferred = preference.at('preferredClockOffset');
  const own = offsetOf(at);
  const wish = offsetOf(preferred);
  const { field, offsetSeconds } = own ?? wish ?? { field: null, offsetSeconds: 0 };
  const timers = timerElements(at.at('timer'));
  const preferredTimers = timerElements(preference.at('preferredTimer'));
  return { field, offsetSeconds, timers: timers.length > 0 ? timers : preferredTimers };
}

function offsetOf(at: Cursor): Pick<Clock, 'field' | 'offsetSeconds'> | null {
  const zone = at.at('timezone').word(64);
  const utc = at.at('utc');
  const offset = utc.at('offsetSeconds').count(-week, week);
  const isUtc = utc.isGiven();
  if (zone !== null && isUtc) at.refuse('has both a time zone and UTC', { isFinal: true });
  if (zone !== null) return { field: zone, offsetSeconds: 0 };
  return isUtc ? { field: 'utc', offsetSeconds: offset ?? 0 } : null;
}

function watchdogOf(at: Cursor): NonNullable<VmFile['watchdog']> | null {
  const action = at.at('action').text() ?? 'reset';
  if (!at.isGiven()) return null;
  if (action === 'reset' || action === 'poweroff') return { model: 'i6300esb', action };
  if (action === 'shutdown') {
    at.at('action').lose('weaker', 'the VM is switched off without asking the guest');
    return { model: 'i6300esb', action: 'poweroff' };
  }
  at.at('action').refuse('is not reset, poweroff or shutdown', { isFinal: true });
  return null;
}

/** Everything that a VM file has no field for, and libvirt has words for. */
function elements(of: {
  readonly domain: Cursor;
  readonly preference: Cursor;
  readonly firmware: Firmware;
  readonly clock: Clock;
}): readonly Xml[] {
  const { domain, preference, firmware, clock } = of;
  const own = featureElements((name) => domain.at('features', name), firmware.hasSecureBoot);
  const wish = featureElements(
    (name) => preference.at('features', preferredName(name)),
    firmware.hasSecureBoot,
  );
  const said = new Set(own.map((one) => one.tag));
  const features = [...own, ...wish.filter((one) => !said.has(one.tag))];
  const sysinfo = sysinfoElements(domain);
  const os = [...(firmware.isOnSerial ? [xml('bios', { useserial: 'yes' })] : []), ...sysinfo.os];
  const hasRng = isGiven(domain.at('devices', 'rng'), preference.at('devices', 'preferredRng'));
  return [
    ...sysinfo.domain,
    ...(os.length === 0 ? [] : [xml('os', {}, ...os)]),
    ...(features.length === 0 ? [] : [xml('features', {}, ...features)]),
    ...clockElements(clock),
    ...(hasRng ? [xml('devices', {}, rng)] : []),
  ];
}

const rng = xml(
  'rng',
  { model: 'virtio' },
  xmlText('backend', { model: 'random' }, '/dev/urandom'),
);

function clockElements({ offsetSeconds, timers }: Clock): readonly Xml[] {
  const offset =
    offsetSeconds === 0 ? {} : { offset: 'variable', adjustment: offsetSeconds, basis: 'utc' };
  return offsetSeconds === 0 && timers.length === 0 ? [] : [xml('clock', offset, ...timers)];
}

function isGiven(own: Cursor, preferred: Cursor): boolean {
  const wish = preferred.isGiven();
  return own.isGiven() || wish;
}
