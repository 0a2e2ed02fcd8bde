import type { Cursor } from './cursor.ts';
import { xml, xmlText, type Xml } from './overlay-xml.ts';

/** KubeVirt's name of an enlightenment of Hyper-V, and libvirt's. */
const hyperv = {
  relaxed: 'relaxed',
  vapic: 'vapic',
  vpindex: 'vpindex',
  runtime: 'runtime',
  synic: 'synic',
  reset: 'reset',
  frequencies: 'frequencies',
  reenlightenment: 'reenlightenment',
  tlbflush: 'tlbflush',
  ipi: 'ipi',
  evmcs: 'evmcs',
} as const;

const defaultSpinlocks = 4096;

const state = (isOn: boolean): { readonly state: string } => ({ state: isOn ? 'on' : 'off' });

/** Features of a VM, or of a preference with its own names; by the name that VMs have for each. */
export type FeaturesAt = (name: string) => Cursor;

/** `<features>` beyond what every VM of Kennel has. */
export function featureElements(at: FeaturesAt, hasSecureBoot: boolean): readonly Xml[] {
  const passthrough = at('hypervPassthrough').at('enabled').flag() ?? false;
  const enlightened = hypervElements(at('hyperv'));
  const eoi = at('apic').at('endOfInterrupt').flag();
  const hidden = at('kvm').at('hidden').flag();
  const spinlock = at('pvspinlock').at('enabled').flag();
  const smm = at('smm').at('enabled').flag();
  return [
    ...(eoi === null ? [] : [xml('apic', { eoi: eoi ? 'on' : 'off' })]),
    ...(passthrough
      ? [xml('hyperv', { mode: 'passthrough' })]
      : enlightened.length === 0
        ? []
        : [xml('hyperv', { mode: 'custom' }, ...enlightened)]),
    ...(hidden === null ? [] : [xml('kvm', {}, xml('hidden', state(hidden)))]),
    ...(spinlock === null ? [] : [xml('pvspinlock', state(spinlock))]),
    ...(smm === null || hasSecureBoot ? [] : [xml('smm', state(smm))]),
  ];
}

function hypervElements(at: Cursor): readonly Xml[] {
  const plain = Object.entries(hyperv)
    .filter(([name]) => at.at(name).isGiven())
    .map(([name, tag]) => xml(tag, state(at.at(name).isOn())));
  const spinlocks = at.at('spinlocks');
  const timer = at.at('synictimer');
  const vendor = at.at('vendorid');
  const vendorId = vendor.at('vendorid').word(12);
  return [
    ...plain,
    ...(spinlocks.isGiven() ? [spinlockElement(spinlocks)] : []),
    ...(timer.isGiven() ? [timerElement(timer)] : []),
    ...(vendor.isGiven() && vendor.isOn() && vendorId !== null
      ? [xml('vendor_id', { state: 'on', value: vendorId })]
      : []),
  ];
}

function spinlockElement(at: Cursor): Xml {
  const retries = at.at('spinlocks').count(0, 2 ** 32 - 1) ?? defaultSpinlocks;
  // libvirt takes no fewer.
  return at.isOn()
    ? xml('spinlocks', { state: 'on', retries: Math.max(4095, retries) })
    : xml('spinlocks', { state: 'off' });
}

function timerElement(at: Cursor): Xml {
  const direct = at.at('direct');
  const inner = direct.isGiven() ? [xml('direct', state(direct.isOn()))] : [];
  return xml('stimer', state(at.isOn()), ...inner);
}

const timers = { hpet: 'hpet', hyperv: 'hypervclock', kvm: 'kvmclock', pit: 'pit', rtc: 'rtc' };

/** `<timer>`s of the clock. */
export function timerElements(at: Cursor): readonly Xml[] {
  return Object.entries(timers)
    .filter(([name]) => at.at(name).isGiven())
    .map(([name, libvirtName]) => {
      const timer = at.at(name);
      const present = timer.at('present').flag();
      const policy = timer.at('tickPolicy').oneOf(['delay', 'catchup', 'merge', 'discard']);
      const track = timer.at('track').oneOf(['guest', 'wall']);
      return xml('timer', {
        name: libvirtName,
        ...(present === null ? {} : { present: present ? 'yes' : 'no' }),
        ...(policy === null ? {} : { tickpolicy: policy }),
        ...(track === null ? {} : { track }),
      });
    });
}

const chassisEntries = ['manufacturer', 'version', 'serial', 'asset', 'sku'] as const;

/** What the firmware tells a guest of its machine. */
export function sysinfoElements(domain: Cursor): {
  readonly os: readonly Xml[];
  readonly domain: readonly Xml[];
} {
  const serial = domain.at('firmware', 'serial').text();
  const chassis = chassisEntries.flatMap((name) => {
    const text = domain.at('chassis', name).text();
    return text === null ? [] : [xmlText('entry', { name }, text)];
  });
  const parts = [
    ...(serial === null ? [] : [xml('system', {}, xmlText('entry', { name: 'serial' }, serial))]),
    ...(chassis.length === 0 ? [] : [xml('chassis', {}, ...chassis)]),
  ];
  if (parts.length === 0) return { os: [], domain: [] };
  return {
    os: [xml('smbios', { mode: 'sysinfo' })],
    domain: [xml('sysinfo', { type: 'smbios' }, ...parts)],
  };
}
