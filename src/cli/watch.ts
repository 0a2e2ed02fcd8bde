import type { Client } from '../client/client.ts';
import type { Outcome } from '../core/problem.ts';
import { formatProblem } from '../errors/kennel-error.ts';
import { valueOf } from './action.ts';
import type { Call } from './command.ts';
import { delay } from './delay.ts';
import { exitCodeFor, exitCodes } from './exit-codes.ts';
import { layoutOf } from './output.ts';
import type { Layout } from './render/layout.ts';
import { usageError } from './usage.ts';

/** What is drawn again and again. */
export interface Watched<T> {
  readonly intervalMs: number;
  look(client: Client): Promise<Outcome<T>>;
  render(value: T, layout: Layout): string;
}

/**
 * Draws a screen until the process is interrupted. A cluster that cannot be reached is shown, and is no
 * end; whatever does not get better by itself is thrown.
 */
export async function watchScreen<T>(call: Call, watched: Watched<T>): Promise<never> {
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
    const shown = await look(call, watched);
    const text = shown.kind === 'ok' ? watched.render(shown.value, layout) : unreachable(shown);
    call.world.terminal.write(`${clear}${text}\n`);
    await delay(env.timers, watched.intervalMs);
  }
}

async function look<T>(call: Call, watched: Watched<T>): Promise<Outcome<T>> {
  const opened = await call.world.connect(call.globals.configFile);
  if (opened.kind === 'problem') return opened;
  try {
    return await watched.look(opened.value);
  } finally {
    await opened.value.close();
  }
}

function unreachable(shown: Extract<Outcome<never>, { kind: 'problem' }>): string {
  // A configuration that is missing or refused does not get better by itself.
  if (exitCodeFor(shown.problem.code) !== exitCodes.unreachable) valueOf(shown);
  return formatProblem(shown.problem);
}
