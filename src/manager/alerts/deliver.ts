import type { AlertRecord } from '../../core/model/alert.ts';
import type { Env } from '../../env/env.ts';
import type { WebhookSecret } from './alert-secrets.ts';

/** Where programs lie that alerts may run: what an administrator of the machine put there. */
export const alertPrograms = '/etc/kennel/alert.d';

/** How long somebody may take to be told, in ms. */
const deliverTimeoutMs = 10_000;
const maxAnswerBytes = 65_536;

/** What is told. The same id is the same alert, however often it comes. */
export interface AlertMessage {
  readonly format: 'kennel-alert/1';
  readonly id: string;
  readonly cluster: string;
  readonly alert: string;
  readonly code: string;
  readonly severity: string;
  readonly node: string | null;
  readonly vm: string | null;
  readonly text: string;
  readonly at: string;
}

export type Delivery =
  | { readonly kind: 'told' }
  | { readonly kind: 'failed'; readonly because: string };

/** Tells once. Nothing secret is in what comes back. Never rejects. */
export async function deliver(
  env: Pick<Env, 'https' | 'processes'>,
  alert: AlertRecord,
  call: {
    readonly message: AlertMessage;
    readonly secret: WebhookSecret | null;
    readonly signal: AbortSignal;
  },
): Promise<Delivery> {
  const body = JSON.stringify(call.message);
  return alert.target.kind === 'webhook'
    ? post(env, alert.target, { ...call, body })
    : run(env, alert.target.program, { ...call, body });
}

async function post(
  env: Pick<Env, 'https'>,
  target: Extract<AlertRecord['target'], { kind: 'webhook' }>,
  call: {
    readonly message: AlertMessage;
    readonly secret: WebhookSecret | null;
    readonly signal: AbortSignal;
    readonly body: string;
  },
): Promise<Delivery> {
  const { secret, message, signal, body } = call;
  if (secret === null) return failed('its address cannot be read');
  const answer = await env.https.request({
    host: target.host,
    port: target.port,
    method: 'POST',
    path: secret.path,
    headers: {
      host: target.port === 443 ? target.host : `${target.host}:${target.port}`,
      'content-type': 'application/json',
      'x-kennel-alert-id': message.id,
      ...(secret.token === null ? {} : { authorization: `Bearer ${secret.token}` }),
    },
    body,
    pin: target.pin,
    ...(target.pin === null ? { authority: 'system' as const } : {}),
    timeoutMs: deliverTimeoutMs,
    maxBodyBytes: maxAnswerBytes,
    signal,
  });
  if (answer.kind === 'failed') return failed(`${answer.because}: ${answer.detail}`);
  // What it answers may repeat what it was told; only the status is kept.
  return answer.status >= 200 && answer.status < 300
    ? { kind: 'told' }
    : failed(`it answered ${answer.status}`);
}

async function run(
  env: Pick<Env, 'processes'>,
  program: string,
  call: { readonly signal: AbortSignal; readonly body: string },
): Promise<Delivery> {
  const result = await env.processes.run({
    file: `${alertPrograms}/${program}`,
    arguments: [],
    input: `${call.body}\n`,
    environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    timeoutMs: deliverTimeoutMs,
    maxOutputBytes: 4096,
    signal: call.signal,
  });
  switch (result.kind) {
    case 'exited':
      return result.code === 0
        ? { kind: 'told' }
        : failed(`${program} ended with ${result.code}: ${result.stderr.slice(0, 200).trim()}`);
    case 'killed':
      return failed(`${program} was ended: ${result.because}`);
    case 'notStarted':
      return failed(`${alertPrograms}/${program} was not started: ${result.because}`);
    default:
      return result satisfies never;
  }
}

const failed = (because: string): Delivery => ({ kind: 'failed', because });
