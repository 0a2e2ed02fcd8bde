import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { realTimers } from '../../env/real/timers.ts';
import { httpsKubeApi } from './https-api.ts';
import type { KubeApi } from './kube-api.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  timers = realTimers(),
): Promise<KubeApi> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  return httpsKubeApi(
    { timers },
    { server: new URL(`http://127.0.0.1:${port}/base`), options: () => Promise.resolve({}) },
  );
}

async function watch(api: KubeApi, onEvent: (event: unknown) => void = () => undefined) {
  const events: unknown[] = [];
  const ending = new AbortController();
  const end = await api.watch(
    { path: '/w', query: { watch: 'true' } },
    (event) => {
      events.push(event);
      onEvent(event);
      if (events.length === 3) ending.abort();
    },
    ending.signal,
  );
  return { end, events };
}

test('a path is asked below that of the server, with its query and its body', async () => {
  const seen: string[] = [];
  const api = await serve((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
    response.end('{"kind":"Thing"}');
  });
  const answer = await api.call({
    method: 'PATCH',
    path: '/a',
    query: { force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: {},
  });
  expect(answer).toEqual({ kind: 'answered', body: { kind: 'Thing' } });
  expect(seen).toEqual(['PATCH /base/a?force=true application/apply-patch+yaml']);
});

test.each([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'notFound'],
  [409, 'conflict'],
  [410, 'gone'],
  [422, 'invalid'],
  [400, 'refused'],
  [503, 'unavailable'],
])('status %i is %s, with what the server said', async (status, kind) => {
  const api = await serve((_, response) => {
    response.writeHead(status).end('{"kind":"Status","message":"because"}');
  });
  const answer = await api.call({ method: 'GET', path: '/a' });
  expect(answer).toEqual({ kind: 'failed', failure: { kind, message: 'because' } });
});

test('busy: a server that is starting says how long to wait, in the header or in the body', async () => {
  const api = await serve((request, response) => {
    const header = request.url === '/base/h' ? { 'retry-after': '3' } : {};
    response.writeHead(429, header).end('{"details":{"retryAfterSeconds":2}}');
  });
  const waits = [];
  for (const path of ['/h', '/b']) waits.push(await api.call({ method: 'GET', path }));
  expect(waits).toMatchObject([
    { failure: { kind: 'throttled', retryAfterMs: 3000 } },
    { failure: { kind: 'throttled', retryAfterMs: 2000 } },
  ]);
});

test('a change whose answer is lost is ambiguous; a question whose answer is lost is not', async () => {
  const api = await serve((request) => request.socket.destroy());
  const kinds = [];
  for (const method of ['PATCH', 'GET'] as const) {
    const answer = await api.call({ method, path: '/a' });
    kinds.push(answer.kind === 'failed' ? answer.failure.kind : 'answered');
  }
  expect(kinds).toEqual(['ambiguous', 'transport']);
});

test('where nobody listens nothing was changed', async () => {
  const api = await serve(() => undefined);
  server?.close();
  await once(server ?? createServer(), 'close');
  const answer = await api.call({ method: 'PATCH', path: '/a', body: {} });
  expect(answer).toMatchObject({ kind: 'failed', failure: { kind: 'transport' } });
});

test('an answer that breaks off within its body is lost, not cut short', async () => {
  const api = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"kind":');
    setTimeout(() => response.destroy(), 20);
  });
  const answer = await api.call({ method: 'PUT', path: '/a', body: {} });
  expect(answer).toMatchObject({ kind: 'failed', failure: { kind: 'ambiguous' } });
});

test('events come line by line, wherever the bytes are cut', async () => {
  const api = await serve((_, response) => {
    response.write('{"type":"AD');
    setTimeout(() => {
      response.write('DED"}\n\n{"type":"MODIFIED"}\n');
      response.end();
    }, 20);
  });
  expect(await watch(api)).toEqual({
    end: { kind: 'closed', droppedBytes: 0 },
    events: [{ type: 'ADDED' }, { type: 'MODIFIED' }],
  });
});

test('partial: half a line at the end is told as what was dropped', async () => {
  const api = await serve((_, response) => response.end('{"type":"ADDED"}\n{"type":"DEL'));
  const { end, events } = await watch(api);
  expect(end).toEqual({ kind: 'closed', droppedBytes: 12 });
  expect(events.length).toBe(1);
});

test('reset: a stream that is cut is a failure of the transport', async () => {
  const api = await serve((request, response) => {
    response.write('{"type":"ADDED"}\n');
    setTimeout(() => request.socket.resetAndDestroy(), 20);
  });
  const { end, events } = await watch(api);
  expect(end).toMatchObject({ kind: 'failed', failure: { kind: 'transport' } });
  expect(events.length).toBe(1);
});

test('a line that is no JSON ends the stream', async () => {
  const api = await serve((_, response) => response.end('<html>\n{"type":"ADDED"}\n'));
  const { end, events } = await watch(api);
  expect(end).toMatchObject({ kind: 'failed', failure: { message: 'a line is no JSON' } });
  expect(events).toEqual([]);
});

test('a watch that is refused tells what the server said', async () => {
  const api = await serve((_, response) => response.writeHead(410).end('{"message":"too old"}'));
  const { end } = await watch(api);
  expect(end).toEqual({ kind: 'failed', failure: { kind: 'gone', message: 'too old' } });
});

test('silent: a server that takes a request and says nothing is given up, be it a watch or not', async () => {
  // A deadline of half a minute is over in a moment.
  const api = await serve(() => undefined, {
    after: (delayMs, action) => realTimers().after(delayMs / 100, action),
  });
  const answer = await api.call({ method: 'GET', path: '/a' });
  expect(answer).toMatchObject({ kind: 'failed', failure: { kind: 'transport' } });
  expect((await watch(api)).end).toMatchObject({ failure: { kind: 'transport' } });
});

test('the signal ends a stream that goes on', async () => {
  const api = await serve((_, response) => {
    for (let n = 0; n < 10; n += 1) response.write('{"type":"ADDED"}\n');
  });
  const { end, events } = await watch(api);
  expect(events.length).toBe(3);
  expect(end).not.toMatchObject({ failure: { kind: 'gone' } });
});
