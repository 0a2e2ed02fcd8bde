import { libvirtError } from '../errors.ts';
import { snapshotMetadataOnly, snapshotNoMetadata, snapshotRedefine } from '../flags.ts';
import { childElements, childText, parseXml, serializeXml } from '../xml-parse.ts';
import { FakeError, parseDefinition, type FakeDomain, type FakeHalf } from './fake-domain.ts';

const noDomainSnapshot = 72;

/** Makes one in the disks, or takes over an entry for one; answers its name. */
export function createSnapshot(domain: FakeDomain, xml: string, flags: number): string {
  const parsed = parseXml(xml, 'domainsnapshot');
  if (parsed.kind === 'invalid') throw new FakeError(libvirtError.xmlDetail, parsed.message);
  const name = childText(parsed.root, 'name') ?? '';
  if (name === '') throw new FakeError(libvirtError.xml, 'snapshot has no name');
  if ((flags & snapshotRedefine) === 0) {
    if (domain.id < 0) throw new FakeError(libvirtError.operationInvalid, 'domain is not running');
    domain.inDisks.add(name);
    if ((flags & snapshotNoMetadata) === 0 && domain.stored !== null) {
      domain.entries.set(name, domain.stored);
    }
    return name;
  }
  const [definition] = childElements(parsed.root, 'domain');
  const isWhole = childText(parsed.root, 'creationTime') !== null && definition !== undefined;
  if (!isWhole) throw new FakeError(libvirtError.xml, 'entry without a time or a domain');
  const { uuid, half } = parseDefinition(serializeXml(definition), false);
  if (uuid !== domain.uuid) throw new FakeError(libvirtError.invalidArgument, 'of another domain');
  domain.entries.set(name, half);
  return name;
}

/** What a domain is started from that goes back to this snapshot. */
export function revertedHalf(domain: FakeDomain, name: string): FakeHalf {
  const half = entryOf(domain, name);
  if (!domain.inDisks.has(name)) {
    throw new FakeError(libvirtError.operationFailed, `snapshot '${name}' is not in the disks`);
  }
  return half;
}

/** QEMU deletes without complaint what is not there. */
export function deleteSnapshot(domain: FakeDomain, name: string, flags: number): void {
  entryOf(domain, name);
  domain.entries.delete(name);
  if ((flags & snapshotMetadataOnly) === 0) domain.inDisks.delete(name);
}

function entryOf({ entries }: FakeDomain, name: string): FakeHalf {
  const half = entries.get(name);
  if (half !== undefined) return half;
  throw new FakeError(noDomainSnapshot, `no domain snapshot with matching name '${name}'`);
}
