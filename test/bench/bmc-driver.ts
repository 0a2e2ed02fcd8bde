import { createConnection } from 'node:net';
import type {
  FenceCommandResult,
  FenceContext,
  FenceDriver,
  FenceError,
  FenceIdentity,
  FenceReading,
  ProbeReport,
} from '../../fencing/driver.ts';
import { fenceError } from '../../fencing/fence-error.ts';

type BmcAnswer =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'failed'; readonly error: FenceError };

/**
 * Speaks to the BMC stand-in of the bench (`bmc.ts`). Settings: `socket`, its path, `node`, and
 * `device`, bmc or pdu. It
 * cannot switch on: a node's boot is the bench's business.
 */
export const benchDriver: FenceDriver = {
  kind: 'bench',
  capabilities: { class: 'power', minIntervalMs: 0, secrets: [], takesFurtherSecrets: false },
  help: { summary: 'the BMC of a bench', settings: [] },
  place: (settings) => ({ address: JSON.stringify(settings), plug: null }),
  parseSettings,
  probe,
  identity,
  status,
  off,
  on: () => {
    const detail = 'the BMC of the bench cannot switch a node on';
    return Promise.resolve({ kind: 'rejected', error: fenceError('CONFIG', detail, 'command') });
  },
};

function parseSettings(input: unknown): ReturnType<FenceDriver['parseSettings']> {
  const { socket, node, device } = (input ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof socket === 'string' && typeof node === 'string' && typeof device === 'string') {
    return { kind: 'ok', settings: { socket, node, device } };
  }
  return { kind: 'invalid', problems: ['give socket, node and device as text'] };
}

async function probe(context: FenceContext): Promise<ProbeReport> {
  const startedMs = context.env.clock.monotonicMs();
  const read = await identity(context);
  const power = read.kind === 'failed' ? read : await status(context);
  return {
    ok: power.kind === 'reading',
    error: power.kind === 'failed' ? power.error : null,
    identity: read.kind === 'identity' ? read.identity : null,
    power: power.kind === 'reading' ? power.power : 'unknown',
    learned: {},
    warnings: [],
    latencyMs: context.env.clock.monotonicMs() - startedMs,
  };
}

async function identity(context: FenceContext): Promise<FenceIdentity> {
  const read = await ask(context, 'identity', 'reading');
  return read.kind === 'failed' ? read : { kind: 'identity', identity: read.text };
}

async function status(context: FenceContext): Promise<FenceReading> {
  const read = await ask(context, 'status', 'reading');
  if (read.kind === 'failed') return read;
  if (read.text === 'ON') return { kind: 'reading', power: 'on', detail: read.text };
  if (read.text === 'OFF') return { kind: 'reading', power: 'off', detail: read.text };
  return { kind: 'failed', error: fenceError('PROTOCOL', read.text, 'reading') };
}

async function off(context: FenceContext): Promise<FenceCommandResult> {
  const done = await ask(context, 'off', 'command');
  if (done.kind === 'failed') {
    return { kind: done.error.mayHaveActed ? 'unknown' : 'rejected', error: done.error };
  }
  if (done.text === 'OK') return { kind: 'accepted', detail: done.text };
  return { kind: 'unknown', error: fenceError('PROTOCOL', done.text, 'command') };
}

/** One question, one line. Ends within `timeoutMs`, and sooner when the signal says so. */
function ask(
  { settings, timeoutMs, signal }: FenceContext,
  action: string,
  during: 'command' | 'reading',
): Promise<BmcAnswer> {
  return new Promise((resolve) => {
    const socket = createConnection(String(settings['socket']));
    let text = '';
    let connected = false;
    const end = (answer: BmcAnswer): void => {
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(answer);
    };
    const fail = (code: 'UNREACHABLE' | 'TIMEOUT' | 'CANCELLED' | 'PROTOCOL', detail: string) =>
      end({ kind: 'failed', error: fenceError(code, detail, during) });
    const onAbort = (): void => fail('CANCELLED', 'called off');
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    socket.setTimeout(timeoutMs, () => fail('TIMEOUT', `no answer in ${timeoutMs} ms`));
    socket.setEncoding('utf8');
    socket.once('connect', () => {
      connected = true;
      socket.write(`${action} ${String(settings['node'])} ${String(settings['device'])}\n`);
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    // Once connected the question may have been heard, so its loss is no refusal.
    socket.once('error', (error) => fail(connected ? 'TIMEOUT' : 'UNREACHABLE', error.message));
    socket.once('end', () => {
      if (text.endsWith('\n')) end({ kind: 'answer', text: text.trim() });
      else fail('PROTOCOL', 'the answer was cut off');
    });
  });
}
