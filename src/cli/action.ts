import type { Outcome } from '../core/problem.ts';
import { KennelError } from '../errors/kennel-error.ts';
import type { Client } from '../client/client.ts';
import type { Call } from './command.ts';
import { usageError } from './usage.ts';

/** The value of an answer. A problem is thrown: `main` prints it and picks the exit code. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'ok') return outcome.value;
  throw new KennelError(outcome.problem);
}

/** Runs `use` with a connected client and closes it, whatever happens. */
export async function withClient<T>(call: Call, use: (client: Client) => Promise<T>): Promise<T> {
  const client = valueOf(await call.world.connect(call.globals.configFile));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * Asks before something that hurts; the default is no. `typed` must be typed word for word.
 * Without a terminal nobody can be asked, so `-y` must have said it. False = leave it, and that
 * has been printed.
 */
export async function confirm(
  call: Call,
  ask: { readonly question: string; readonly typed: string | null; readonly yes: boolean },
): Promise<boolean> {
  if (ask.yes) return true;
  const { terminal } = call.world;
  if (!terminal.isInteractive) {
    throw usageError({
      what: 'this must be confirmed, and there is no terminal to ask on',
      because: ask.question,
      try: ['the same command with -y'],
    });
  }
  const prompt = ask.typed === null ? '[y/N]' : `Type ${ask.typed} to go on:`;
  const answer = (await terminal.ask(`${ask.question} ${prompt} `)).trim();
  const isAgreed = ask.typed === null ? /^y(es)?$/i.test(answer) : answer === ask.typed;
  if (!isAgreed) terminal.writeError('not confirmed, nothing was changed\n');
  return isAgreed;
}
