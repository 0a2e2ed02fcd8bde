import { element, writeXml } from './xml-writer.ts';

/** How a snapshot is called inside the disks: none that a person made there by hand is overwritten. */
export function snapshotTag(name: string): string {
  return `kennel-${name}`;
}

/**
 * A snapshot of all disks that are written to, and of the memory, inside the disks. With `definition`, XML as
 * libvirt wrote it, it is the entry for one that is there already.
 */
export function snapshotXml(name: string, definition: string | null): string {
  const written = writeXml(
    element(
      'domainsnapshot',
      {},
      element('name', {}, snapshotTag(name)),
      element('memory', { snapshot: 'internal' }),
      // What libvirt asks of an entry, and Kennel's own record keeps for people.
      ...(definition === null
        ? []
        : [element('state', {}, 'running'), element('creationTime', {}, '0')]),
    ),
  );
  // Names are of letters, digits and marks that XML can carry: the API takes no others.
  if (written.kind === 'invalid') throw new Error(written.message);
  const end = '</domainsnapshot>';
  return written.xml.replace(end, () => `${definition ?? ''}${end}`);
}
