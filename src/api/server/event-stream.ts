import type { ServerResponse } from 'node:http';
import type { Timer } from '../../env/env.ts';
import type { RouteContext } from './api.ts';

/** A blank line after this much silence shows both ends that the other is still there. */
const keepAliveMs = 15_000;

/** A client that is this far behind is cut off; it comes back and asks from where it was. */
const maxWaitingBytes = 1024 * 1024;

/** Writes events as lines until the client goes away, falls behind, or the server closes. */
export function streamEvents(response: ServerResponse, after: number, context: RouteContext): void {
  const { env, service, closing } = context;
  let stop: (() => void) | null = null;
  let timer: Timer | null = null;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    stop?.();
    timer?.cancel();
    closing.removeEventListener('abort', end);
    response.end();
  };
  const write = (line: string): void => {
    if (ended) return;
    response.write(line);
    if (response.writableLength <= maxWaitingBytes) return;
    end();
    // What waits would only be sent to someone who does not read.
    response.destroy();
  };
  const keepAlive = (): void => {
    write('\n');
    if (!ended) timer = env.timers.after(keepAliveMs, keepAlive);
  };
  response.on('close', end);
  response.on('error', end);
  closing.addEventListener('abort', end);
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  // The first one shows the client at once that the stream is open.
  keepAlive();
  stop = service.watchEvents(after, (event) => write(`${JSON.stringify(event)}\n`));
  // The service may have called back, and overrun the bound, before it returned.
  if (ended || closing.aborted) {
    stop();
    end();
  }
}
