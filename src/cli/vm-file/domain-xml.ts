import type { Element } from '@xmldom/xmldom';
import type { CreateVm } from '../../api/schema/requests.ts';
import { defaultLimits } from '../../core/model/vm.ts';
import { createVmSchema } from '../../api/schema/requests.ts';
import { readDisk } from './domain-disk.ts';
import { attribute, childElements, childText, firstChild, lineOf } from './dom-read.ts';
import { parseRoot } from './domain-root.ts';
import type { VmFileOptions, VmToCreate } from './parse-vm-file.ts';
import { fieldPath } from './spec-problem.ts';
import type { Parsed, SpecProblem } from './spec-problem.ts';
import { notesOf } from './yaml-specs.ts';

/**
 * Reads what the cluster must know of a libvirt domain: name, UUID, size, disks, cards. The XML
 * itself is sent along and used as it is.
 */
export function parseDomainXml(text: string, options: VmFileOptions): Parsed<VmToCreate> {
  const root = parseRoot(text);
  if (root.kind === 'invalid') return root;
  const domain = root.value;
  const problems: SpecProblem[] = [];
  const collect = <T>(parsed: Parsed<T>): T | null => {
    if (parsed.kind === 'ok') return parsed.value;
    problems.push(...parsed.problems);
    return null;
  };
  const devices = firstChild(domain, 'devices');
  const disks = childElements(devices, 'disk')
    .map((disk) => collect(readDisk(disk, options)))
    .filter((disk) => disk !== null);
  const memoryMiB = collect(readMemory(domain));
  const interfaces = childElements(devices, 'interface')
    .map((card) => collect(readInterface(card)))
    .filter((card) => card !== null);
  if (problems.length > 0 || memoryMiB === null) return { kind: 'invalid', problems };
  const body: CreateVm = {
    id: childText(domain, 'uuid')?.toLowerCase() ?? null,
    desired: 'running',
    node: null,
    spec: {
      name: childText(domain, 'name') ?? '',
      vcpus: Number(childText(domain, 'vcpu') ?? 1),
      memoryMiB,
      disks,
      interfaces,
      priority: 'medium',
      definition: { kind: 'xml', xml: text },
      consoleLog: null,
      separateFrom: [],
      nodes: [],
      limits: defaultLimits,
    },
  };
  return checked(body, domain);
}

function checked(body: CreateVm, domain: Element): Parsed<VmToCreate> {
  const result = createVmSchema.safeParse(body);
  if (result.success) {
    const notes = [...notesOf(result.data), ...passthroughNotes(domain, result.data.spec.name)];
    return { kind: 'ok', value: { body: result.data, line: lineOf(domain), notes } };
  }
  return {
    kind: 'invalid',
    problems: result.error.issues.map((issue) => {
      const [, name = ''] = issue.path.map(String);
      const element = firstChild(domain, name === 'vcpus' ? 'vcpu' : name);
      return {
        line: lineOf(element ?? domain),
        field: fieldPath(issue.path.slice(1)),
        what: issue.message,
        suggestion: name === 'name' ? 'rename the domain: virsh domrename' : null,
      };
    }),
  };
}

function passthroughNotes(domain: Element, name: string): readonly string[] {
  if (childElements(firstChild(domain, 'devices'), 'hostdev').length === 0) return [];
  return [`${name}: a device of one node is passed through, so it cannot be restarted on another`];
}

/** Divisors to KiB, https://libvirt.org/formatdomain.html#memory-allocation: KiB is the default. */
const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KB: 1000,
  k: 1024,
  KiB: 1024,
  MB: 1000 ** 2,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  GB: 1000 ** 3,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  TB: 1000 ** 4,
  T: 1024 ** 4,
  TiB: 1024 ** 4,
};

/** Rounded up to whole MiB: it is what the node must have free. */
function readMemory(domain: Element): Parsed<number> {
  const element = firstChild(domain, 'memory');
  if (element === null) return invalid(lineOf(domain), 'memory', 'is missing', null);
  const amount = Number((element.textContent ?? '').trim());
  const unit = attribute(element, 'unit') ?? 'KiB';
  const bytes = Object.hasOwn(unitBytes, unit) ? unitBytes[unit] : undefined;
  if (bytes === undefined || !(amount > 0)) {
    return invalid(lineOf(element), 'memory', 'is not an amount that can be read', null);
  }
  return { kind: 'ok', value: Math.ceil((amount * bytes) / 1024 ** 2) };
}

function readInterface(card: Element): Parsed<CreateVm['spec']['interfaces'][number]> {
  const line = lineOf(card);
  const mac = attribute(firstChild(card, 'mac'), 'address')?.toLowerCase();
  if (mac === undefined) {
    const hint = 'virsh dumpxml of a defined domain has it';
    return invalid(line, 'interface', 'has no MAC address', hint);
  }
  const model = attribute(firstChild(card, 'model'), 'type') ?? 'rtl8139';
  const source = firstChild(card, 'source');
  const type = attribute(card, 'type') ?? '';
  const bridge = attribute(source, 'bridge');
  const network = attribute(source, 'network');
  if (type === 'bridge' && bridge !== null) {
    return { kind: 'ok', value: { mac, model, attach: { kind: 'bridge', bridge } } };
  }
  if (type === 'network' && network !== null) {
    return { kind: 'ok', value: { mac, model, attach: { kind: 'network', network } } };
  }
  const what = `is of type "${type}"; only bridge and network look the same on every node`;
  return invalid(line, 'interface', what, null);
}

function invalid(
  line: number,
  field: string,
  what: string,
  suggestion: string | null,
): Parsed<never> {
  return { kind: 'invalid', problems: [{ line, field, what, suggestion }] };
}
