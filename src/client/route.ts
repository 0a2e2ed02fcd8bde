import { parseHostPort } from '../api/schema/host-port.ts';
import { ok, problem, type Outcome, type Problem } from '../core/problem.ts';
import { realTimers } from '../env/real/timers.ts';
import { certificateProblem } from '../pki/certificate-identity.ts';
import { ambiguous, unavailable } from './call-problems.ts';
import { pause, withDeadline, type CallOptions } from './deadline.ts';
import { readAnswer, sendRequest, type ApiRequest } from './exchange.ts';
import type { RawAnswer } from './parse-answer.ts';
import { describeTarget, type Target } from './target.ts';
import type { OpenedSocket } from './verified-socket.ts';

/** At least one manager of the cluster; any of them will do. */
export type Targets = readonly [Target, ...Target[]];

/** Opens a connection to a manager whose certificate was found good. */
export type Opener = (target: Target, signal: AbortSignal) => Promise<OpenedSocket>;

export interface RoutedRequest extends ApiRequest {
  /** It may change something: losing its answer is E_AMBIGUOUS, and it is never sent twice. */
  readonly changes: boolean;
}

/** While managers agree on a leader, they are asked again this often, in ms… */
const roundPauseMs = 300;
/** …and so many times. */
const maxRounds = 33;
/** How long one manager is waited for while there are others, in ms. */
const connectMs = 2000;
const readMs = 5000;

/** What came of asking one manager. */
type Attempt =
  | { readonly kind: 'answered'; readonly answer: RawAnswer }
  /** Nothing was changed there: another manager may be asked. */
  | { readonly kind: 'silent'; readonly problem: Problem }
  | { readonly kind: 'lost'; readonly problem: Problem };

/**
 * Finds the manager that answers. A manager that does not lead names the one that does, and changes
 * go there. A manager that is down is passed over as long as nothing was sent to it.
 */
export class Route {
  readonly #targets: Targets;
  readonly #open: Opener;
  readonly #rounds: number;
  /** Where the last answer came from; asked first. */
  #last: Target;

  /** `waitsForLeader`: an election is waited for; by default where several managers are known. */
  constructor(targets: Targets, open: Opener, waitsForLeader = targets.length > 1) {
    this.#targets = targets;
    this.#open = open;
    this.#rounds = waitsForLeader ? maxRounds : 1;
    [this.#last] = targets;
  }

  /** All targets, the one that answered last in front. */
  targets(): Target[] {
    return [this.#last, ...this.#targets.filter((target) => !isSame(target, this.#last))];
  }

  open(target: Target, signal: AbortSignal): Promise<OpenedSocket> {
    return this.#open(target, signal);
  }

  /** E_CERTIFICATE when a server is not of our cluster, E_UNAVAILABLE, E_AMBIGUOUS. */
  call(
    request: RoutedRequest,
    options: CallOptions,
  ): Promise<Outcome<{ readonly who: string; readonly answer: RawAnswer }>> {
    return withDeadline(options, async (signal, reason) => {
      for (let round = 1; ; round += 1) {
        const { target, attempt } = await this.#round(request, { signal, reason });
        // Nobody leads, or they name each other: they will agree soon.
        const isElection = attempt.kind === 'answered' && isElsewhere(attempt.answer);
        if (isElection && round < this.#rounds && !signal.aborted) {
          await pause(roundPauseMs, signal);
          continue;
        }
        if (attempt.kind !== 'answered') return problem(attempt.problem);
        return ok({ who: describeTarget(target), answer: attempt.answer });
      }
    });
  }

  /** Asks each manager once, and whoever is named as the leader. */
  async #round(
    request: RoutedRequest,
    within: Deadline,
  ): Promise<{ readonly target: Target; readonly attempt: Attempt }> {
    const waiting = this.targets();
    const asked: Target[] = [];
    let best: { readonly target: Target; readonly attempt: Attempt } | null = null;
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      asked.push(target);
      const attempt = await this.#ask(target, request, within, waiting.length === 0);
      const isFinal =
        attempt.kind === 'lost' || (attempt.kind === 'answered' && !isElsewhere(attempt.answer));
      if (isFinal) {
        this.#last = target;
        return { target, attempt };
      }
      // The word of a manager says more than the silence of another.
      if (best === null || attempt.kind === 'answered') best = { target, attempt };
      if (attempt.kind === 'answered') queueLeader(waiting, asked, attempt.answer);
    }
    if (best === null) throw new Error('a route without targets');
    return best;
  }

  async #ask(
    target: Target,
    request: RoutedRequest,
    { signal, reason }: Deadline,
    isLast: boolean,
  ): Promise<Attempt> {
    const who = describeTarget(target);
    const opening = limited(signal, isLast ? null : connectMs);
    const opened = await this.#open(target, opening.signal);
    opening.cancel();
    if (opened.kind === 'refused') {
      return { kind: 'silent', problem: certificateProblem(who, opened.check) };
    }
    if (opened.kind === 'failed') {
      return { kind: 'silent', problem: unavailable(who, reason(opened.error)) };
    }
    const answering = limited(signal, isLast || request.changes ? null : readMs);
    try {
      const response = await sendRequest(opened.socket, request, answering.signal);
      const { location } = response.headers;
      const text = await readAnswer(response);
      const status = response.statusCode ?? 0;
      return { kind: 'answered', answer: { status, text, location: location ?? null } };
    } catch (error) {
      return request.changes
        ? { kind: 'lost', problem: ambiguous(who, reason(error)) }
        : { kind: 'silent', problem: unavailable(who, reason(error)) };
    } finally {
      answering.cancel();
      opened.socket.destroy();
    }
  }
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly reason: (error: unknown) => string;
}

/** Fires with the other one, or after this long; null = with the other one alone. */
function limited(
  signal: AbortSignal,
  ms: number | null,
): { readonly signal: AbortSignal; readonly cancel: () => void } {
  if (ms === null) return { signal, cancel: () => undefined };
  const late = new AbortController();
  const timer = realTimers().after(ms, () => {
    late.abort(new Error(`there was no answer within ${ms} ms`));
  });
  return { signal: AbortSignal.any([signal, late.signal]), cancel: () => timer.cancel() };
}

/** Puts the leader next; behind the others when nobody configured its address. */
function queueLeader(waiting: Target[], asked: readonly Target[], answer: RawAnswer): void {
  const leader = targetOf(answer.location);
  if (leader === null || asked.some((target) => isSame(target, leader))) return;
  const at = waiting.findIndex((target) => isSame(target, leader));
  if (at === -1) {
    waiting.push(leader);
    return;
  }
  waiting.unshift(...waiting.splice(at, 1));
}

const isSame = (a: Target, b: Target): boolean => describeTarget(a) === describeTarget(b);

/** The manager that answered does not lead: it named the one that does, or knows of none. */
function isElsewhere(answer: RawAnswer): boolean {
  return answer.status === 307 || namesNoLeader(answer);
}

function namesNoLeader({ status, text }: RawAnswer): boolean {
  return status === 503 && text.includes('"E_NOT_LEADER"');
}

/** The address in the location of a redirect. */
export function targetOf(location: string | null): Target | null {
  const host = /^https:\/\/([^/]+)\//.exec(location ?? '')?.[1];
  const parsed = host === undefined ? null : parseHostPort(host);
  return parsed?.kind === 'ok' ? { host: parsed.host, port: parsed.port } : null;
}
