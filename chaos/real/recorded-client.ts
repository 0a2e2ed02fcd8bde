import type { Client } from '../../src/client/client.ts';
import type { CallOptions } from '../../src/client/deadline.ts';
import type { Outcome } from '../../src/core/problem.ts';
import type { FactOf } from '../checkers/history.ts';
import type { Observer } from './observer.ts';

/** How long a client waits for an answer, ms. */
const patienceMs = 8000;

/** Problems that say nothing about whether the change was made. */
const unclear: ReadonlySet<string> = new Set(['E_NOT_LEADER', 'E_UNAVAILABLE', 'E_AMBIGUOUS']);

type Answer = Pick<FactOf<'answer'>, 'result' | 'detail'>;

/** Changes VMs over the API, and makes each call and its answer a fact. Never asks twice. */
export class RecordedClient {
  readonly answers = { ok: 0, no: 0, unknown: 0 };
  readonly #client: Client;
  readonly #observer: Observer;
  #calls = 0;

  constructor(client: Client, observer: Observer) {
    this.#client = client;
    this.#observer = observer;
  }

  /** @param vm its id, also for one that is about to be made. */
  async call(
    verb: FactOf<'call'>['verb'],
    vm: string,
    send: (client: Client, options: CallOptions) => Promise<Outcome<unknown>>,
  ): Promise<Answer> {
    this.#calls += 1;
    const id = this.#calls;
    this.#observer.noteNow({ kind: 'call', id, verb, vm });
    const answer = read(await send(this.#client, { timeoutMs: patienceMs }));
    this.answers[answer.result] += 1;
    this.#observer.noteAfterWrites({ kind: 'answer', id, ...answer });
    return answer;
  }
}

function read(outcome: Outcome<unknown>): Answer {
  if (outcome.kind === 'ok') return { result: 'ok', detail: '' };
  const { code, because } = outcome.problem;
  return { result: unclear.has(code) ? 'unknown' : 'no', detail: `${code}: ${because}` };
}
