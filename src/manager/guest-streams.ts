import type { StreamRequest } from '../api/schema/guest-stream.ts';
import type { StreamReport } from '../api/schema/session.ts';
import type { Permit } from '../core/model/permit.ts';
import { ok, problem, type Outcome, type Problem } from '../core/problem.ts';
import type { Env, Timer } from '../env/env.ts';
import type { AgentSession } from './agent-session.ts';

/** How long an agent may take to open a stream, in ms. */
const openMs = 20_000;

/** Told what comes out of a guest. */
export interface StreamReader {
  onOutput(bytes: Uint8Array): void;
  /** Called once, unless it was closed from here; null = it came to its end in order. */
  onEnd(because: string | null): void;
}

export interface OpenStream {
  /** Media type; null = bytes of a terminal. */
  readonly mime: string | null;
  readonly write: (bytes: Uint8Array) => void;
  /** So many bytes were passed on: the agent may send as many again. */
  readonly passedOn: (bytes: number) => void;
  readonly close: () => void;
}

interface Pending {
  readonly session: AgentSession;
  readonly reader: StreamReader;
  /** Called with the first word of the agent; null afterwards. */
  opened: ((outcome: Outcome<string | null>) => void) | null;
}

/** Streams of guests that are open over the agents' sessions. Each ends with its session. */
export class GuestStreams {
  readonly #env: Pick<Env, 'timers' | 'random'>;
  readonly #clusterId: string;
  readonly #streams = new Map<string, Pending>();

  constructor(env: Pick<Env, 'timers' | 'random'>, clusterId: string) {
    this.#env = env;
    this.#clusterId = clusterId;
  }

  async open(
    session: AgentSession,
    asked: { readonly epoch: number; readonly permit: Permit; readonly request: StreamRequest },
    reader: StreamReader,
  ): Promise<Outcome<OpenStream>> {
    const stream = this.#env.random.uuid();
    const pending: Pending = { session, reader, opened: null };
    const begun = new Promise<Outcome<string | null>>((resolve) => {
      const timer: Timer = this.#env.timers.after(openMs, () => {
        session.send({ kind: 'streamClose', stream });
        pending.opened?.(problem(notOpened(session.node, 'its agent did not answer in time')));
      });
      pending.opened = (outcome) => {
        timer.cancel();
        pending.opened = null;
        if (outcome.kind === 'problem') this.#streams.delete(stream);
        resolve(outcome);
      };
    });
    this.#streams.set(stream, pending);
    const { epoch, permit, request } = asked;
    session.send({
      kind: 'streamOpen',
      clusterId: this.#clusterId,
      epoch,
      incarnation: permit.incarnation,
      stream,
      permit,
      request,
    });
    const opened = await begun;
    if (opened.kind === 'problem') return opened;
    return ok({
      mime: opened.value,
      write: (bytes) => {
        const data = Buffer.from(bytes).toString('base64');
        session.send({ kind: 'streamInput', stream, data });
      },
      passedOn: (bytes) => session.send({ kind: 'streamCredit', stream, bytes }),
      close: () => {
        if (this.#streams.delete(stream)) session.send({ kind: 'streamClose', stream });
      },
    });
  }

  /** Only the session that a stream is of has a say in it. */
  report(session: AgentSession, message: StreamReport): void {
    const pending = this.#streams.get(message.stream);
    if (pending?.session !== session) return;
    switch (message.kind) {
      case 'streamOpened':
        pending.opened?.(ok(message.mime));
        break;
      case 'streamOutput':
        pending.reader.onOutput(Buffer.from(message.data, 'base64'));
        break;
      case 'streamClosed':
        this.#end(message.stream, pending, message.because);
        break;
      default:
        message satisfies never;
    }
  }

  sessionClosed(session: AgentSession): void {
    for (const [stream, pending] of this.#streams) {
      if (pending.session === session) this.#end(stream, pending, `${session.node} went away`);
    }
  }

  #end(stream: string, pending: Pending, because: string | null): void {
    this.#streams.delete(stream);
    if (pending.opened === null) pending.reader.onEnd(because);
    else pending.opened(problem(notOpened(pending.session.node, because ?? 'it ended at once')));
  }
}

function notOpened(node: string, because: string): Problem {
  return {
    code: 'E_CONFLICT',
    what: `${node} opened no stream of the guest`,
    because,
    so: 'the guest was not touched',
    try: ['run the command again'],
  };
}
