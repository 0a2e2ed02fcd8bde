import type { EventView } from '../../api/schema/views.ts';
import { printable } from './printable.ts';
import type { Layout } from './layout.ts';

/** One event, one line. The width of a line is not bounded: a history is grepped, not paged. */
export function renderEvent(event: EventView, layout: Layout): string {
  // The text names the VM; its UUID is for those who ask for everything.
  const names = layout.isWide ? [event.node, event.vm] : [event.node];
  const subject = names.filter((name) => name !== null).join(' ');
  const paint = paintOf(event, layout);
  const parts = [
    String(event.sequence).padStart(6),
    event.at,
    paint(event.code),
    ...(subject === '' ? [] : [printable(subject)]),
    printable(event.text),
    ...askedBy(event),
  ];
  return parts.join('  ');
}

/** `(alice: disk dying)`, when somebody asked for it. */
function askedBy({ by, reason }: EventView): readonly string[] {
  if (by === null) return [];
  return [printable(reason === null ? `(${by})` : `(${by}: ${reason})`)];
}

function paintOf(event: EventView, layout: Layout): (text: string) => string {
  switch (event.severity) {
    case 'info':
      return layout.paint.bold;
    case 'warning':
      return layout.paint.warning;
    case 'critical':
      return layout.paint.critical;
    default:
      return event.severity satisfies never;
  }
}
