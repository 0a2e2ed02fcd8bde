import type { StatusView } from '../../api/schema/views.ts';
import type { Outcome } from '../../core/problem.ts';
import { formatProblem } from '../../errors/kennel-error.ts';
import { valueOf, withClient } from '../action.ts';
import type { Client } from '../../client/client.ts';
import type { Call } from '../command.ts';
import { delay } from '../delay.ts';
import { exitCodeFor, exitCodes } from '../exit-codes.ts';
import { layoutOf, print } from '../output.ts';
import { renderStatus } from '../render/status.ts';
import { usageError } from '../usage.ts';

/** Exit code: 0 healthy, 1 degraded, 2 no quorum; unreachable is thrown and becomes 2 too. */
export async function showStatus(
  call: Call,
  options: { readonly watch: boolean; readonly interval: number },
): Promise<number> {
  if (options.watch) return watchStatus(call, options.interval);
  return withClient(call, async (client) => {
    const view = valueOf(await client.status());
    await print(call, view, (layout) => renderStatus(view, layout));
    return healthCode(view);
  });
}

function healthCode(view: StatusView): number {
  switch (view.health) {
    case 'healthy':
      return exitCodes.done;
    case 'degraded':
      return exitCodes.failed;
    case 'noQuorum':
      return exitCodes.unreachable;
    default:
      return view.health satisfies never;
  }
}

/** Runs until the process is interrupted; an unreachable manager is shown, not an end. */
async function watchStatus(call: Call, intervalMs: number): Promise<number> {
  if (call.globals.format === 'json' || call.globals.format === 'yaml') {
    throw usageError({
      what: '--watch draws a screen',
      because: `-o ${call.globals.format} is for programs`,
      try: ['kennel events -f -o json'],
    });
  }
  const env = await call.world.env();
  const layout = await layoutOf(call);
  const clear = call.world.terminal.size === null ? '\n' : '\u001b[H\u001b[2J';
  for (;;) {
    const shown = await look(call);
    const text = shown.kind === 'ok' ? renderStatus(shown.value, layout) : formatted(shown);
    call.world.terminal.write(`${clear}${text}\n`);
    await delay(env.timers, intervalMs);
  }
}

function formatted(shown: Extract<Outcome<never>, { kind: 'problem' }>): string {
  // A configuration that is missing or refused does not get better by itself.
  if (exitCodeFor(shown.problem.code) !== exitCodes.unreachable) valueOf(shown);
  return formatProblem(shown.problem);
}

async function look(call: Call): Promise<Outcome<StatusView>> {
  const opened = await call.world.connect(call.globals.configFile);
  if (opened.kind === 'problem') return opened;
  const client: Client = opened.value;
  try {
    return await client.status();
  } finally {
    await client.close();
  }
}
