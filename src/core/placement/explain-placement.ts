import type { Placement } from './place.ts';

/** The sentence that a record keeps of a choice. */
export function explainPlacement(placement: Placement): string {
  const refused = placement.refused.map((one) => `${one.node}: ${one.because}`).join('; ');
  if (placement.kind === 'nowhere') return `no node can take it (${refused || 'there is none'})`;
  const others = refused === '' ? '' : ` (${refused})`;
  const moved =
    placement.madeRoomFor === undefined ? '' : `, so that ${placement.madeRoomFor} has a node`;
  const { node } = placement;
  switch (placement.because) {
    case 'home':
      return `it belongs to ${node}${moved}${others}`;
    case 'allTried':
      return `${node} is tried again: there is no other left${moved}${others}`;
    case 'group':
      return `${node} has the VMs that it is kept together with${moved}${others}`;
    case 'rule':
      return `${node} is preferred by its rule about nodes${moved}${others}`;
    case 'even':
      return refused === ''
        ? `load is most even with it on ${node}${moved}`
        : `load is most even with it on ${node}, of the nodes allowed${moved}${others}`;
    default:
      return placement.because satisfies never;
  }
}
