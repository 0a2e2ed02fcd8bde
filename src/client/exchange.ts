import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With query. */
  readonly path: string;
  readonly body: unknown;
}

/** The longest answer that is read; a whole cluster is far below. */
const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * Sends one request on a fresh connection and waits for the answer's headers. Rejects when the
 * connection ends or the signal fires before. The connection ends with the answer.
 */
export function sendRequest(
  socket: TLSSocket,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      createConnection: () => socket,
      method: request.method,
      path: request.path,
      headers: {
        host: 'kennel',
        connection: 'close',
        ...(body === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': body.length }),
      },
      signal,
    });
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The whole answer as text. Rejects when it breaks off or is longer than is sensible. */
export async function readAnswer(response: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
