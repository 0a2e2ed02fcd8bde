import { ok, problem } from '../../src/core/problem.ts';
import type { Outcome } from '../../src/core/problem.ts';
import { defaultLimits } from '../../src/core/model/vm.ts';
import type { VmDisk, VmInterface, VmSpec } from '../../src/core/model/vm.ts';
import type { DomainDisk, DomainInterface } from './domain-xml-read.ts';
import { readDomainXml } from './domain-xml-read.ts';

const buses: readonly string[] = ['virtio', 'sata', 'scsi', 'ide'] satisfies VmDisk['bus'][];
const formats: readonly string[] = ['raw', 'qcow2'] satisfies VmDisk['format'][];

function isBus(text: string): text is VmDisk['bus'] {
  return buses.includes(text);
}

function isFormat(text: string): text is VmDisk['format'] {
  return formats.includes(text);
}

function readDisk(disk: DomainDisk): VmDisk | string {
  const { source, format, bus, readOnly } = disk;
  if (source === null) return `disk ${disk.target} is of a kind that is not known (${disk.text})`;
  if (!isBus(bus)) return `disk ${disk.target} has bus ${bus}, not ${buses.join(', ')}`;
  if (!isFormat(format)) {
    return `disk ${disk.target} has format ${format}, not ${formats.join(', ')}`;
  }
  return { source, format, bus, readOnly };
}

function readInterface({ mac, attach, model, type }: DomainInterface): VmInterface | string {
  if (mac === null) return 'an interface has no MAC address';
  if (attach === null) {
    return `interface ${mac} is of type ${type}, not bridge or network, which are the same on every node`;
  }
  return { mac, attach, model };
}

/** What could be read, and the reasons of what could not. */
function split<T extends object>(read: readonly (T | string)[]): [readonly T[], readonly string[]] {
  return [
    read.filter((each): each is T => typeof each !== 'string'),
    read.filter((each) => typeof each === 'string'),
  ];
}

/**
 * The spec of an existing domain, for adoption: what the cluster must know, with the XML itself as
 * the definition. Paths count as disks of one node, because XML does not say what is shared.
 * `E_SPEC_INVALID` names everything that the model has no word for.
 */
export function readDomainSpec(xml: string): Outcome<VmSpec> {
  const read = readDomainXml(xml);
  if (read.kind === 'invalid') return invalid('the domain', read.message);
  const { domain } = read;
  // A drive without a medium holds nothing to protect.
  const [disks, badDisks] = split(
    domain.disks.filter(({ location }) => location !== 'empty').map(readDisk),
  );
  const [interfaces, badInterfaces] = split(domain.interfaces.map(readInterface));
  const bad = [...badDisks, ...badInterfaces];
  if (bad.length > 0) return invalid(domain.name, bad.join('; '));
  return ok({
    name: domain.name,
    vcpus: domain.vcpus,
    memoryMiB: domain.memoryMiB,
    disks,
    interfaces,
    priority: 'medium',
    definition: { kind: 'xml', xml },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: defaultLimits,
  });
}

function invalid(what: string, because: string): Outcome<never> {
  return problem({
    code: 'E_SPEC_INVALID',
    what: `the XML of ${what} cannot be taken over`,
    because,
    so: 'it was not touched',
    try: ['virsh edit NAME, then run the command again'],
  });
}
