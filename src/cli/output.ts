import type { Call } from './command.ts';
import type { Layout } from './render/layout.ts';

/**
 * Prints an answer in the format that was asked for. `json` and `yaml` carry the API's value
 * unchanged; `table` gives the form for people, without a newline at its end.
 */
export async function print(
  call: Call,
  value: unknown,
  table: (layout: Layout) => string | Promise<string>,
): Promise<void> {
  call.world.terminal.write(`${await formatted(call, value, table)}\n`);
}

async function formatted(
  call: Call,
  value: unknown,
  table: (layout: Layout) => string | Promise<string>,
): Promise<string> {
  switch (call.globals.format) {
    case 'json':
      return JSON.stringify(value, null, 2);
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(value).trimEnd();
    }
    case 'table':
    case 'wide':
      return table(await layoutOf(call));
    default:
      return call.globals.format satisfies never;
  }
}

export async function layoutOf(call: Call): Promise<Layout> {
  const { makeLayout } = await import('./render/layout.ts');
  return makeLayout({
    size: call.world.terminal.size,
    isWide: call.globals.format === 'wide',
    isColored: call.globals.isColored,
  });
}

export function isForPeople(call: Call): boolean {
  return call.globals.format === 'table' || call.globals.format === 'wide';
}
