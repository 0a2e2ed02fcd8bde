import type { WhyView } from '../../api/schema/views.ts';
import { wrap } from './columns.ts';
import type { Layout } from './layout.ts';
import { printable } from './printable.ts';

/** A line per step, with its time; then what is so now. */
export function renderWhy(why: WhyView, layout: Layout): string {
  const columns = Math.max(40, layout.columns);
  const head = `${why.vm} ${why.node === null ? 'is on no node' : `is on ${why.node}`}`;
  const lines = why.steps.flatMap(({ at, what, by, reason }) => {
    const who = by === null ? '' : ` (${reason === null ? by : `${by}: ${reason}`})`;
    const indent = ' '.repeat(at.length + 2);
    return wrap(printable(`${what}${who}`), columns - indent.length).map((text, index) =>
      index === 0 ? `${at}  ${text}` : `${indent}${text}`,
    );
  });
  return [
    layout.paint.bold(head),
    ...(why.left > 0 ? [`… ${why.left} earlier steps: kennel events --vm ${why.vm}`] : []),
    ...lines,
    ...why.now.flatMap((fact) => wrap(`now: ${printable(fact)}`, columns)),
  ].join('\n');
}
