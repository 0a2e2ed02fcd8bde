import type { ExplanationView } from '../../api/schema/views.ts';
import { wrap } from './columns.ts';
import type { Layout } from './layout.ts';

/** What is so, what is awaited, and what would resolve it. */
export function renderExplanation(view: ExplanationView, layout: Layout): string {
  const columns = Math.min(layout.columns, 100);
  const section = (title: string, items: readonly string[], mark: string): string[] => {
    if (items.length === 0) return [];
    const lines = items.flatMap((item) =>
      wrap(item, columns - 4).map((line, index) => `  ${index === 0 ? mark : ' '} ${line}`),
    );
    return title === '' ? lines : [title, ...lines];
  };
  const awaiting =
    view.awaiting.length === 0
      ? ['nothing is awaited']
      : section('waiting for', view.awaiting, '-');
  return [
    layout.paint.bold(view.topic),
    ...section('', view.facts, '-'),
    ...awaiting,
    // Commands are not wrapped: they are there to be copied.
    ...(view.try.length === 0 ? [] : ['try', ...view.try.map((step) => `    ${step}`)]),
  ].join('\n');
}
