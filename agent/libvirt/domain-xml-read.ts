import type { Document, Element } from '@xmldom/xmldom';
import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { DiskSource, VmInterface } from '../../src/core/model/vm.ts';
import {
  permitAttributes,
  permitFromElement,
  permitName,
  permitNamespace,
  permitPrefix,
} from './permit-metadata.ts';
import {
  attribute,
  childElements,
  childText,
  firstChild,
  parseXml,
  serializeXml,
} from './xml-parse.ts';

/** What an existing domain's disk is, as far as its XML tells. */
export interface DomainDisk {
  readonly target: string;
  readonly device: string;
  readonly bus: string;
  readonly format: string;
  readonly readOnly: boolean;
  /**
   * `local` for files and devices of this node: whether a path is shared storage the XML does not
   * say. `unknown` for pool volumes and types without a source.
   */
  readonly location: 'local' | 'network' | 'unknown' | 'empty';
  /** Ours, where the model has that kind; null otherwise. */
  readonly source: DiskSource | null;
  /** For people, for example `rbd:pool/image`. */
  readonly text: string;
}

export interface DomainInterface {
  /** Lower-case; null when libvirt would make one up. */
  readonly mac: string | null;
  /** Null for kinds that our model does not have. */
  readonly attach: VmInterface['attach'] | null;
  readonly model: string;
  /** libvirt's type, for people. */
  readonly type: string;
}

interface DomainDescription {
  readonly uuid: string | null;
  readonly name: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly disks: readonly DomainDisk[];
  readonly interfaces: readonly DomainInterface[];
  readonly permit: Permit | null;
}

export type DomainRead =
  | { readonly kind: 'ok'; readonly domain: DomainDescription }
  | { readonly kind: 'invalid'; readonly message: string };

/** Bytes per unit. Source: the units libvirt's scaled integers know; no unit means KiB. */
const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  kb: 1000,
  k: 1024,
  kib: 1024,
  mb: 1000 ** 2,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  gb: 1000 ** 3,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  tb: 1000 ** 4,
  t: 1024 ** 4,
  tib: 1024 ** 4,
};

/** Rounded up: it is what a node must have free. */
function memoryMiB(root: Element): number | null {
  const memory = firstChild(root, 'memory');
  const bytes = unitBytes[(attribute(memory, 'unit') ?? 'KiB').toLowerCase()];
  const text = memory?.textContent?.trim() ?? '';
  if (bytes === undefined || !/^\d+$/.test(text)) return null;
  return Math.ceil((Number(text) * bytes) / 1024 ** 2);
}

/** Our kind of source, or null for protocols that the model does not have. */
function networkSource(source: Element): DiskSource | null {
  const name = attribute(source, 'name') ?? '';
  const host = firstChild(source, 'host');
  const address = attribute(host, 'name');
  const port = attribute(host, 'port');
  switch (attribute(source, 'protocol')) {
    case 'nbd':
      if (address === null) return null;
      return { kind: 'nbd', host: address, port: Number(port ?? '10809'), export: name };
    case 'rbd': {
      const slash = name.indexOf('/');
      if (slash < 0) return null;
      return { kind: 'rbd', pool: name.slice(0, slash), image: name.slice(slash + 1) };
    }
    case 'iscsi': {
      const slash = name.lastIndexOf('/');
      if (address === null || slash < 0) return null;
      const portal = `${address.includes(':') ? `[${address}]` : address}:${port ?? '3260'}`;
      const lun = Number(name.slice(slash + 1));
      return { kind: 'iscsi', portal, target: name.slice(0, slash), lun };
    }
    default:
      return null;
  }
}

type Location = Pick<DomainDisk, 'location' | 'source' | 'text'>;

function location(disk: Element): Location {
  const source = firstChild(disk, 'source');
  const type = attribute(disk, 'type') ?? 'file';
  const path = attribute(source, 'file') ?? attribute(source, 'dev');
  if (source === null) return { location: 'empty', source: null, text: 'empty' };
  if (type === 'network') {
    const text = `${attribute(source, 'protocol') ?? 'network'}:${attribute(source, 'name') ?? ''}`;
    return { location: 'network', source: networkSource(source), text };
  }
  if ((type === 'file' || type === 'block') && path !== null) {
    return { location: 'local', source: { kind: 'local', path }, text: path };
  }
  if (type === 'dir' || type === 'nvme') return { location: 'local', source: null, text: type };
  return { location: 'unknown', source: null, text: type };
}

function readDisk(disk: Element): DomainDisk {
  const target = firstChild(disk, 'target');
  const device = attribute(disk, 'device') ?? 'disk';
  return {
    target: attribute(target, 'dev') ?? '',
    device,
    bus: attribute(target, 'bus') ?? 'ide',
    format: attribute(firstChild(disk, 'driver'), 'type') ?? 'raw',
    readOnly: device === 'cdrom' || firstChild(disk, 'readonly') !== null,
    ...location(disk),
  };
}

function readInterface(card: Element): DomainInterface {
  const source = firstChild(card, 'source');
  const type = attribute(card, 'type') ?? '';
  const bridge = attribute(source, 'bridge');
  const network = attribute(source, 'network');
  const attachTo = (): VmInterface['attach'] | null => {
    if (type === 'bridge' && bridge !== null) return { kind: 'bridge', bridge };
    if (type === 'network' && network !== null) return { kind: 'network', network };
    return null;
  };
  return {
    mac: attribute(firstChild(card, 'mac'), 'address')?.toLowerCase() ?? null,
    attach: attachTo(),
    // What libvirt itself puts in on x86 when the model is not stated.
    model: attribute(firstChild(card, 'model'), 'type') ?? 'rtl8139',
    type,
  };
}

/** By namespace and local name: the prefix is free, and another namespace is not ours. */
function permitElements(root: Element): readonly Element[] {
  return childElements(root, 'metadata')
    .flatMap((metadata) => childElements(metadata, permitName))
    .filter((permit) => permit.namespaceURI === permitNamespace);
}

/** Reads what the cluster needs to know of an existing domain. Unknown elements are passed over. */
export function readDomainXml(xml: string): DomainRead {
  const parsed = parseXml(xml, 'domain');
  if (parsed.kind === 'invalid') return parsed;
  const { root } = parsed;
  const name = childText(root, 'name') ?? '';
  if (name === '') return { kind: 'invalid', message: 'domain has no name' };
  const memory = memoryMiB(root);
  if (memory === null) return { kind: 'invalid', message: 'domain has no readable memory size' };
  const vcpus = Number(childText(root, 'vcpu') ?? '1');
  if (!Number.isInteger(vcpus) || vcpus < 1) {
    return { kind: 'invalid', message: 'domain has no readable vcpu count' };
  }
  const devices = childElements(root, 'devices');
  const [permit] = permitElements(root);
  const domain: DomainDescription = {
    uuid: childText(root, 'uuid')?.toLowerCase() ?? null,
    name,
    memoryMiB: memory,
    vcpus,
    disks: devices.flatMap((each) => childElements(each, 'disk')).map(readDisk),
    interfaces: devices.flatMap((each) => childElements(each, 'interface')).map(readInterface),
    permit: permit === undefined ? null : permitFromElement(permit),
  };
  return { kind: 'ok', domain };
}

/** The first child of that name with this text, made as the first element when it is missing. */
function setText(document: Document, root: Element, name: string, text: string): void {
  const existing = firstChild(root, name);
  if (existing !== null) {
    existing.textContent = text;
    return;
  }
  const made = document.createElement(name);
  made.textContent = text;
  root.insertBefore(made, root.firstChild);
}

/**
 * A person's own domain XML with our name, UUID and permit put in and everything else kept:
 * comments, foreign metadata, namespaces, unknown elements.
 */
export function patchDomainXml(
  xml: string,
  patch: { readonly name: string; readonly vm: VmId; readonly permit: Permit },
):
  | { readonly kind: 'ok'; readonly xml: string }
  | { readonly kind: 'invalid'; readonly message: string } {
  const parsed = parseXml(xml, 'domain');
  if (parsed.kind === 'invalid') return parsed;
  const { document, root } = parsed;
  for (const old of permitElements(root)) old.parentNode?.removeChild(old);
  setText(document, root, 'uuid', patch.vm);
  setText(document, root, 'name', patch.name);
  let metadata = firstChild(root, 'metadata');
  if (metadata === null) {
    metadata = document.createElement('metadata');
    root.appendChild(metadata);
  }
  const permit = document.createElementNS(permitNamespace, `${permitPrefix}:${permitName}`);
  for (const [key, value] of Object.entries(permitAttributes(patch.permit))) {
    permit.setAttribute(key, value);
  }
  metadata.appendChild(permit);
  return { kind: 'ok', xml: serializeXml(document) };
}
