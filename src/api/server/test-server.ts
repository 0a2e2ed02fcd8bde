import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import type { Problem } from '../../core/problem.ts';
import type { Timer } from '../../env/env.ts';
import { realClock } from '../../env/real/clock.ts';
import { realLog } from '../../env/real/log.ts';
import { realTimers } from '../../env/real/timers.ts';
import type { Credentials } from '../../pki/credentials.ts';
import { secureContextOptions } from '../../pki/tls.ts';
import { makeTestCluster, type TestCluster } from '../../pki/test-credentials.ts';
import { startApiServer, type ApiServer } from './server.ts';
import { makeTestService, type TestService } from './test-service.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: unknown;
}

interface AskOptions {
  /** Null = without a certificate; the administrator by default. */
  readonly as?: Credentials | null;
  readonly body?: unknown;
  readonly viaSocket?: boolean;
  readonly headers?: Record<string, string>;
}

/** For tests: a server per test, with a service that records, on loopback and a unix socket. */
export interface TestServer {
  readonly cluster: TestCluster;
  readonly manager: Credentials;
  readonly admin: Credentials;
  readonly directory: string;
  readonly service: TestService;
  readonly server: ApiServer;
  readonly logged: readonly string[];
  readonly timers: readonly { readonly delayMs: number; readonly action: () => void }[];
  /** Starts one more for the same service. */
  start(options: { readonly port?: number; readonly unixSocket?: string }): Promise<ApiServer>;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** Where and as whom `node:https` asks as the administrator. */
  request(path: string): RequestOptions;
}

/** Waits for a condition; the machine may be busy with other things. */
export const soon = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 8000, interval: 5 });

export function problemIn(answer: Answer): Problem {
  const { error } = answer.json as { error: Problem };
  expect(Object.keys(error).sort()).toEqual(['because', 'code', 'so', 'try', 'what']);
  return error;
}

/** Registers the hooks of a test file. The fields are those of the running test. */
export function useTestServer(): TestServer {
  const logged: string[] = [];
  const timers: { delayMs: number; action: () => void }[] = [];
  const log = realLog({ level: 'debug', stream: { write: (line) => void logged.push(line) } });
  const after = (delayMs: number, action: () => void): Timer => {
    timers.push({ delayMs, action });
    return realTimers().after(delayMs, action);
  };
  const start: TestServer['start'] = ({ port, unixSocket }) =>
    startApiServer({
      env: { clock: realClock(), timers: { after }, log },
      service: world.service,
      credentials: () => world.manager,
      listen: port === undefined ? null : { host: '127.0.0.1', port },
      unixSocket: unixSocket ?? null,
    });
  const request: TestServer['request'] = (path) => ({
    host: '127.0.0.1',
    port: world.server.address?.port,
    path,
    agent: false,
    ...secureContextOptions(world.admin),
    checkServerIdentity: () => undefined,
  });
  const ask: TestServer['ask'] = (...given) => askServer(world, ...given);
  const world = { logged, timers, start, request, ask } as unknown as {
    -readonly [Name in keyof TestServer]: TestServer[Name];
  };
  beforeAll(async () => {
    world.cluster = await makeTestCluster();
    world.manager = await world.cluster.issue('manager', 'mgr-1');
    world.admin = await world.cluster.issue('admin', 'root');
    world.directory = await mkdtemp(join(tmpdir(), 'kennel-api-'));
  });
  afterAll(() => rm(world.directory, { recursive: true }));
  beforeEach(async () => {
    world.service = makeTestService();
    logged.length = 0;
    timers.length = 0;
    world.server = await start({ port: 0, unixSocket: join(world.directory, 'api.sock') });
  });
  afterEach(() => world.server.close());
  return world;
}

function askServer(
  world: TestServer,
  method: string,
  path: string,
  options: AskOptions = {},
): Promise<Answer> {
  const { as = world.admin, body, viaSocket = false } = options;
  const { ca, minVersion } = secureContextOptions(world.admin);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const where = viaSocket
    ? { socketPath: join(world.directory, 'api.sock') }
    : { host: '127.0.0.1', port: world.server.address?.port };
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({
      ...where,
      method,
      path,
      agent: false,
      ...(as === null ? { ca, minVersion } : { ...secureContextOptions(as), ca }),
      checkServerIdentity: () => undefined,
      headers: {
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        answer += part;
      });
      response.on('end', () => {
        const type = response.headers['content-type'] ?? '';
        const json: unknown = type.startsWith('application/json') ? JSON.parse(answer) : undefined;
        resolve({ status: response.statusCode ?? 0, type, text: answer, json });
      });
    });
    outgoing.end(text);
  });
}
