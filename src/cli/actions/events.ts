import type { EventView } from '../../api/schema/views.ts';
import type { Problem } from '../../core/problem.ts';
import { valueOf, withClient } from '../action.ts';
import type { Client } from '../../client/client.ts';
import type { Call } from '../command.ts';
import { layoutOf, print } from '../output.ts';
import { renderEvent } from '../render/event.ts';

interface EventOptions {
  readonly follow: boolean;
  readonly last: number;
  readonly after: number | null;
  readonly node: string | null;
  readonly vm: string | null;
}

/** Events asked for at a time. */
const pageSize = 500;

export async function showEvents(call: Call, options: EventOptions): Promise<number> {
  return withClient(call, async (client) => {
    const isWanted = await filterOf(client, options);
    const past = await readPast(client, options, isWanted);
    if (!options.follow) {
      await print(call, past.events, (layout) =>
        past.events.map((event) => renderEvent(event, layout)).join('\n'),
      );
      return 0;
    }
    const line = await lineOf(call);
    const show = (event: EventView): void => {
      if (isWanted(event)) call.world.terminal.write(`${line(event)}\n`);
    };
    past.events.forEach(show);
    // The stream mends itself; an interrupt of the process is the usual end.
    const onInterruption = (lost: Problem): void => {
      call.world.terminal.writeError(`${lost.what} (${lost.because}), trying again\n`);
    };
    for await (const event of client.watchEvents(past.newest, { onInterruption })) show(event);
    return 0;
  });
}

type Wanted = (event: EventView) => boolean;

interface Past {
  readonly events: readonly EventView[];
  /** Position of the newest event there is, wanted or not. */
  readonly newest: number;
}

function readPast(client: Client, options: EventOptions, isWanted: Wanted): Promise<Past> {
  return options.after === null
    ? readLast(client, options.last, isWanted)
    : readAfter(client, options.after, isWanted);
}

/** From the end backwards, until there are enough. */
async function readLast(client: Client, keep: number, isWanted: Wanted): Promise<Past> {
  let newest = 0;
  let before: number | null = null;
  let events: readonly EventView[] = [];
  for (;;) {
    // One is read in any case: to follow, the end has to be known.
    const limit = Math.min(pageSize, Math.max(keep, 1));
    const page: readonly EventView[] = valueOf(await client.lastEvents(before, limit));
    newest = Math.max(newest, page.at(-1)?.sequence ?? 0);
    events = [...page.filter(isWanted), ...events].slice(keep === 0 ? Infinity : -keep);
    const [oldest] = page;
    if (oldest === undefined || oldest.sequence <= 1 || events.length >= keep) {
      return { events: keep === 0 ? [] : events, newest };
    }
    before = oldest.sequence;
  }
}

async function readAfter(client: Client, after: number, isWanted: Wanted): Promise<Past> {
  let newest = after;
  const events: EventView[] = [];
  for (;;) {
    const page = valueOf(await client.events(newest, pageSize));
    const last = page.at(-1);
    if (last === undefined || last.sequence <= newest) return { events, newest };
    newest = last.sequence;
    events.push(...page.filter(isWanted));
  }
}

/** Events name a VM by its UUID, people by its name: both are looked for. */
async function filterOf(
  client: Client,
  options: EventOptions,
): Promise<(event: EventView) => boolean> {
  const vms = options.vm === null ? null : await namesOfVm(client, options.vm);
  return (event) =>
    (options.node === null || event.node === options.node) &&
    (vms === null || (event.vm !== null && vms.includes(event.vm)));
}

async function namesOfVm(client: Client, given: string): Promise<readonly string[]> {
  const found = await client.vm(given);
  // A VM that is gone still has a history.
  return found.kind === 'ok' ? [found.value.id, found.value.name] : [given];
}

async function lineOf(call: Call): Promise<(event: EventView) => string> {
  switch (call.globals.format) {
    case 'json':
      return (event) => JSON.stringify(event);
    case 'yaml': {
      const { stringify } = await import('yaml');
      return (event) => `---\n${stringify(event).trimEnd()}`;
    }
    case 'table':
    case 'wide': {
      const layout = await layoutOf(call);
      return (event) => renderEvent(event, layout);
    }
    default:
      return call.globals.format satisfies never;
  }
}
