import type { Element } from '@xmldom/xmldom';
import { uuidBytes } from '../domain-ref.ts';
import type { DomainRef } from '../domain-ref.ts';
import { domainState } from '../domain-state.ts';
import { libvirtError } from '../errors.ts';
import { childElements, childText, parseXml, serializeXml } from '../xml-parse.ts';
import { element, writeXml } from '../xml-writer.ts';

/** An error as libvirt answers it. Thrown by the fake's handlers and sent as the reply. */
export class FakeError extends Error {
  readonly number: number;
  constructor(number: number, message: string) {
    super(message);
    this.name = 'FakeError';
    this.number = number;
  }
}

/** One half of a domain: the stored one or the running one. */
export interface FakeHalf {
  readonly xml: string;
  /** Metadata elements by namespace, without prefix and namespace, as libvirt returns them. */
  readonly metadata: Map<string, string>;
}

export interface FakeDomain {
  readonly uuid: string;
  readonly name: string;
  /** -1 while inactive. */
  id: number;
  state: number;
  /** libvirt's number of the reason within the state. */
  reason: number;
  stored: FakeHalf | null;
  live: FakeHalf | null;
  autostart: boolean;
  savedState: boolean;
  /** Its QEMU hangs: the monitor does not answer and a kill takes long. */
  qemuHung: boolean;
  /** Its guest takes notice of a shutdown request. */
  obeysShutdown: boolean;
  /** Its guest agent runs and answers. */
  agentAnswers: boolean;
  /** How often it was booted. */
  boots: number;
  /** How often its guest began anew in the same process. */
  resets: number;
  /** Snapshots in its disks, and what libvirt's entries say of the domain, by the snapshot's name. */
  readonly inDisks: Set<string>;
  readonly entries: Map<string, FakeHalf>;
}

/** What libvirt's schema allows below `domain`, as far as the tests need it. */
const known = new Set(
  (
    'name uuid genid title description metadata memory currentMemory maxMemory memoryBacking vcpu ' +
    'os features cpu clock cputune numatune resource on_poweroff on_reboot on_crash devices ' +
    'seclabel sysinfo pm perf idmap iothreads launchSecurity'
  ).split(' '),
);

function attributesOf(from: Element): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const attribute of Array.from(from.attributes)) {
    if (attribute.name.startsWith('xmlns')) continue;
    attributes[attribute.name] = attribute.value;
  }
  return attributes;
}

/** An element of metadata the way libvirt returns it. */
export function strippedMetadata(from: Element): string {
  const written = writeXml(element(from.localName ?? from.nodeName, attributesOf(from)));
  if (written.kind === 'invalid') throw new FakeError(libvirtError.xml, written.message);
  return written.xml.trimEnd();
}

/** Parses domain XML as libvirt's define would; throws its error number when it is refused. */
export function parseDefinition(
  xml: string,
  validate: boolean,
): { readonly uuid: string; readonly name: string; readonly half: FakeHalf } {
  const parsed = parseXml(xml, 'domain');
  if (parsed.kind === 'invalid') throw new FakeError(libvirtError.xmlDetail, parsed.message);
  const { root } = parsed;
  const extra = childElements(root).find((child) => !known.has(child.localName ?? ''));
  if (validate && extra !== undefined) {
    throw new FakeError(libvirtError.xmlInvalid, `extra content: ${extra.nodeName}`);
  }
  const name = childText(root, 'name') ?? '';
  const uuid = childText(root, 'uuid')?.toLowerCase() ?? '';
  if (name === '') throw new FakeError(libvirtError.xml, 'domain has no name');
  if (uuidBytes(uuid) === null) throw new FakeError(libvirtError.xml, 'domain has no valid uuid');
  const metadata = new Map<string, string>();
  for (const each of childElements(root, 'metadata').flatMap((parent) => childElements(parent))) {
    if (each.namespaceURI !== null) metadata.set(each.namespaceURI, strippedMetadata(each));
  }
  return { uuid, name, half: { xml, metadata } };
}

/** The definition with its metadata as it is now. */
export function currentXml({ xml, metadata }: FakeHalf): string {
  const parsed = parseXml(xml, 'domain');
  if (parsed.kind === 'invalid') throw new FakeError(libvirtError.xmlDetail, parsed.message);
  const { root } = parsed;
  for (const old of childElements(root, 'metadata')) root.removeChild(old);
  const entries = [...metadata].map(([uri, text]) =>
    text.replace(/^<[\w.-]+/, (start) => `${start} xmlns="${uri}"`),
  );
  const end = /<\/domain>\s*$/;
  return serializeXml(root).replace(end, () => `<metadata>${entries.join('')}</metadata></domain>`);
}

export function makeDomain(uuid: string, name: string): FakeDomain {
  return {
    uuid,
    name,
    id: -1,
    state: domainState.shutOff,
    reason: 0,
    stored: null,
    live: null,
    autostart: false,
    savedState: false,
    qemuHung: false,
    obeysShutdown: true,
    agentAnswers: false,
    boots: 0,
    resets: 0,
    inDisks: new Set(),
    entries: new Map(),
  };
}

export function copyHalf({ xml, metadata }: FakeHalf): FakeHalf {
  return { xml, metadata: new Map(metadata) };
}

export function refOf({ uuid, name, id }: FakeDomain): DomainRef {
  const bytes = uuidBytes(uuid);
  if (bytes === null) throw new Error(`domain with a malformed uuid ${uuid}`);
  return { name, uuid: bytes, id };
}
