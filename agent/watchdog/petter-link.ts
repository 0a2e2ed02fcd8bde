import { connect } from 'node:net';
import type { Timers } from '../../src/env/env.ts';
import type { PetterAsk, PetterReply } from './process/messages.ts';
import type { PetterLink } from './self-fencing.ts';

/** A petter that takes longer stands still; it answers from memory. ms */
const answerMs = 1000;

/** The way to the petter over its socket. A connection per question: nothing outlives either process. */
export function petterLink(timers: Timers, path: string): PetterLink {
  return {
    attest: async () => (await reply(timers, path, { ask: 'attest' }, 'attest')).watchdog,
    send: async (token) => (await reply(timers, path, { ask: 'token', token }, 'token')).answer,
    drop: async () => (await reply(timers, path, { ask: 'drop' }, 'drop')).dropped,
  };
}

type ReplyOf<Kind extends PetterReply['kind']> = Extract<PetterReply, { kind: Kind }>;

/** Rejects when it does not answer, or with something else. */
export async function reply<Kind extends PetterReply['kind']>(
  timers: Timers,
  path: string,
  asked: PetterAsk,
  kind: Kind,
): Promise<ReplyOf<Kind>> {
  // What is at the other end of a socket of root's own is the petter.
  const answer = JSON.parse(await ask(timers, path, asked)) as PetterReply;
  if (answer.kind === 'failed') throw new Error(`the petter failed: ${answer.because}`);
  if (answer.kind !== kind) throw new Error(`the petter answered ${answer.kind}`);
  return answer as ReplyOf<Kind>;
}

function ask(timers: Timers, path: string, asked: PetterAsk): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let text = '';
    const timer = timers.after(answerMs, () => end(`it did not answer in ${answerMs} ms`));
    const end = (because: string | null): void => {
      timer.cancel();
      socket.destroy();
      if (because === null) resolve(text);
      else reject(new Error(`the petter at ${path}: ${because}`));
    };
    socket.setEncoding('utf8');
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('it closed the connection'));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\n')) end(null);
    });
    socket.write(`${JSON.stringify(asked)}\n`);
  });
}
