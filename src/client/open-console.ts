import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { ok, problem, type Outcome } from '../core/problem.ts';
import { certificateProblem } from '../pki/certificate-identity.ts';
import { reasonOf, unavailable } from './call-problems.ts';
import { readAnswer } from './exchange.ts';
import { jsonOf, problemOf } from './parse-answer.ts';
import { targetOf, type Route } from './route.ts';
import { describeTarget, type Target } from './target.ts';

export interface ConsoleOptions {
  /** Whoever has it open loses it. */
  readonly force: boolean;
  /** What is sent is not passed on. */
  readonly readOnly: boolean;
  readonly reason?: string | null;
  /** Ends the console. */
  readonly signal?: AbortSignal;
}

type Upgraded =
  | { readonly kind: 'open'; readonly stream: Duplex; readonly head: Uint8Array }
  | { readonly kind: 'answered'; readonly response: IncomingMessage };

/** Opens a console at the leader: the managers are asked in turn, and who is named by them. */
export async function openConsole(
  route: Route,
  vm: string,
  options: ConsoleOptions,
): Promise<Outcome<Duplex>> {
  const waiting = route.targets();
  const asked = new Set<string>();
  let last: Outcome<never> = problem(unavailable('the cluster', 'it has no manager'));
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    if (asked.has(describeTarget(target))) continue;
    asked.add(describeTarget(target));
    const tried = await tryConsole(route, target, vm, options);
    if (tried.kind !== 'elsewhere') {
      const isSilent = tried.kind === 'problem' && tried.problem.code === 'E_UNAVAILABLE';
      if (!isSilent) return tried;
      last = tried;
      continue;
    }
    last = tried.outcome;
    if (tried.leader !== null) waiting.unshift(tried.leader);
  }
  return last;
}

async function tryConsole(
  route: Route,
  target: Target,
  vm: string,
  options: ConsoleOptions,
): Promise<
  | Outcome<Duplex>
  | {
      readonly kind: 'elsewhere';
      readonly leader: Target | null;
      readonly outcome: Outcome<never>;
    }
> {
  const who = describeTarget(target);
  const { signal = new AbortController().signal } = options;
  const opened = await route.open(target, signal);
  if (opened.kind === 'refused') return problem(certificateProblem(who, opened.check));
  if (opened.kind === 'failed') return problem(unavailable(who, reasonOf(opened.error)));
  try {
    const upgraded = await upgrade(opened.socket, pathOf(vm, options), signal);
    if (upgraded.kind === 'open') {
      if (upgraded.head.byteLength > 0) upgraded.stream.unshift(upgraded.head);
      signal.addEventListener('abort', () => upgraded.stream.destroy(), { once: true });
      return ok(upgraded.stream);
    }
    const { statusCode = 0, headers } = upgraded.response;
    const answer = jsonOf(await readAnswer(upgraded.response));
    const outcome = await problemOf(who, statusCode, answer);
    if (statusCode !== 307) return outcome;
    return { kind: 'elsewhere', leader: targetOf(headers.location ?? null), outcome };
  } catch (error) {
    opened.socket.destroy();
    return problem(unavailable(who, reasonOf(error)));
  }
}

function pathOf(vm: string, { force, readOnly, reason }: ConsoleOptions): string {
  const query = new URLSearchParams({ force: String(force), readOnly: String(readOnly) });
  if (reason != null) query.set('reason', reason);
  return `/v1/vms/${encodeURIComponent(vm)}/console?${query.toString()}`;
}

function upgrade(socket: TLSSocket, path: string, signal: AbortSignal): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: { host: 'kennel', connection: 'Upgrade', upgrade: 'kennel-console' },
      signal,
    });
    outgoing.once('upgrade', (_, stream, head) => resolve({ kind: 'open', stream, head }));
    outgoing.once('response', (response) => resolve({ kind: 'answered', response }));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
