import { Cursor } from './cursor.ts';
import type { Machine } from './machine.ts';

/** What two VMs must not have in common is refused in the later of them. */
export function refuseSharing(machines: readonly Machine[]): void {
  const owners = new Map<string, string>();
  const claim = (what: string, vm: string, at: Cursor): void => {
    const owner = owners.get(what);
    if (owner === undefined) owners.set(what, vm);
    else at.refuse(`two VMs would have it: ${owner} and ${vm}`, { isFinal: true });
  };
  for (const { file, template, disks, cards } of machines) {
    const { name, id, nodes = [] } = file;
    claim(`name ${name}`, name, Cursor.of(template.ledger).at('metadata', 'name'));
    if (id !== undefined)
      claim(`id ${id}`, name, template.instance.at('domain', 'firmware', 'uuid'));
    for (const { card, macFrom } of cards) {
      if (card.mac !== undefined) claim(`mac ${card.mac}`, name, macFrom);
    }
    for (const { disk, from } of disks) {
      const { format: _format, bus: _bus, readOnly, ...source } = disk;
      if (readOnly === true) continue;
      // A file of one node is another file on another node.
      const where = source.local === undefined ? '' : nodes.join();
      claim(`disk ${JSON.stringify(source)} ${where}`, name, from);
    }
  }
}
