import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { Joined } from '../api/schema/requests.ts';
import type { Outcome } from '../core/problem.ts';
import type { Credentials } from '../pki/credentials.ts';
import { formatJoinToken, makeJoinToken } from '../pki/join-token.ts';
import { createCertificateRequest, issueFromRequest } from '../pki/leaf.ts';
import { derOfPem } from '../pki/pem.ts';
import { secureContextOptions } from '../pki/tls.ts';
import { makeTestCluster, type TestCluster } from '../pki/test-credentials.ts';
import { joinCluster } from './join.ts';

let cluster: TestCluster;
let foreign: TestCluster;
let manager: Credentials;
let token: string;
let requestPem: string;
beforeAll(async () => {
  cluster = await makeTestCluster();
  foreign = await makeTestCluster();
  manager = await cluster.issue('manager', 'mgr-1');
  token = formatJoinToken(makeJoinToken(derOfPem(cluster.authority.certificatePem)));
  ({ requestPem } = await createCertificateRequest('node-9'));
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A manager's join route, with what it was sent. The last answer is given from then on. */
async function serve(
  as: Credentials,
  ...answers: readonly ('cut' | { readonly status: number; readonly body: unknown })[]
): Promise<{ port: number; received: string[] }> {
  const received: string[] = [];
  const server = createServer(secureContextOptions(as), (request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      const answer = answers[received.length] ?? answers.at(-1) ?? 'cut';
      received.push(`${request.method} ${request.url} ${text}`);
      if (answer === 'cut') {
        request.socket.destroy();
        return;
      }
      response.statusCode = answer.status;
      response.end(JSON.stringify(answer.body));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { port: (server.address() as AddressInfo).port, received };
}

async function joinedAs(
  name: string,
  by: TestCluster = cluster,
  request = requestPem,
): Promise<Joined> {
  const issued = await issueFromRequest(by.authority, request, {
    clusterId: by.clusterId,
    role: 'agent',
    name,
    nowIso: new Date().toISOString(),
  });
  if (issued.kind === 'problem') throw new Error(issued.problem.because);
  return {
    clusterId: by.clusterId,
    certificate: issued.value.certificatePem,
    certificateAuthority: by.authority.certificatePem,
    managers: ['192.0.2.9:7444'],
  };
}

const joinAt = (port: number, withToken = token): Promise<Outcome<Joined>> =>
  joinCluster({
    manager: { host: '127.0.0.1', port },
    token: withToken,
    node: 'node-9',
    machineId: 'abc',
    address: '192.0.2.9',
    certificateRequest: requestPem,
    timeoutMs: 3000,
  });

test('a node that trusts only its token gets its certificate', async () => {
  const body = await joinedAs('node-9');
  const { port, received } = await serve(manager, { status: 200, body });
  expect(await joinAt(port)).toEqual({ kind: 'ok', value: body });
  expect(received).toHaveLength(1);
  expect(received[0]).toContain(`POST /v1/join {"token":"${token}"`);
});

test('a manager of another cluster is sent nothing, not even the token', async () => {
  const impostor = await foreign.issue('manager', 'mgr-1');
  const { port, received } = await serve(impostor, { status: 200, body: {} });
  expect(await joinAt(port)).toMatchObject({
    kind: 'problem',
    problem: { code: 'E_CERTIFICATE', because: expect.stringContaining('fingerprint differs') },
  });
  expect(received).toEqual([]);
});

test('to show the right authority is not enough: the leaf must be issued by it, to a manager', async () => {
  const stranger = await foreign.issue('manager', 'mgr-1');
  const impostors = [
    { ...stranger, caPem: cluster.authority.certificatePem },
    await cluster.issue('agent', 'node-1'),
    await cluster.issue('manager', 'mgr-1', { lifetimeMs: -1000 }),
  ];
  for (const impostor of impostors) {
    const { port, received } = await serve(impostor, { status: 200, body: {} });
    expect(await joinAt(port)).toMatchObject({ problem: { code: 'E_CERTIFICATE' } });
    expect(received).toEqual([]);
  }
});

test('a certificate for another name, key or authority is not taken', async () => {
  const other = await createCertificateRequest('node-9');
  const wrong = [
    await joinedAs('node-8'),
    await joinedAs('node-9', cluster, other.requestPem),
    await joinedAs('node-9', foreign),
    { ...(await joinedAs('node-9')), certificate: '' },
    { ...(await joinedAs('node-9')), clusterId: '11111111-2222-4333-8444-555555555555' },
  ];
  for (const body of wrong) {
    const { port } = await serve(manager, { status: 200, body });
    expect(await joinAt(port)).toMatchObject({ problem: { code: 'E_CERTIFICATE' } });
  }
});

test('a refusal comes back as it is, and a text that is no token is not sent', async () => {
  const used = { code: 'E_TOKEN_INVALID', what: 'used', because: 'once', so: '', try: [] };
  const { port, received } = await serve(manager, { status: 401, body: { error: used } });
  expect(await joinAt(port)).toEqual({ kind: 'problem', problem: used });
  expect(await joinAt(port, 'kjt1.nonsense')).toMatchObject({
    problem: { code: 'E_TOKEN_INVALID', so: 'nothing was sent' },
  });
  expect(received).toHaveLength(1);
});

test('a manager that is not there is E_UNAVAILABLE', async () => {
  const { port } = await serve(manager, { status: 200, body: {} });
  const [server] = servers.splice(0);
  await new Promise((resolve) => {
    server?.close(resolve);
  });
  expect(await joinAt(port)).toMatchObject({ problem: { code: 'E_UNAVAILABLE' } });
});

test('a join whose answer got lost is asked for again, with the same token and the same key', async () => {
  const body = await joinedAs('node-9');
  const ambiguous = { code: 'E_AMBIGUOUS', what: 'lost', because: 'deposed', so: '', try: [] };
  const lost = { status: 503, body: { error: ambiguous } };
  const { port, received } = await serve(manager, 'cut', lost, { status: 200, body });
  expect(await joinAt(port)).toEqual({ kind: 'ok', value: body });
  expect(received).toHaveLength(3);
  expect(new Set(received).size).toBe(1);
});

test('a join is waited for while the managers elect a leader', async () => {
  const body = await joinedAs('node-9');
  const election = { code: 'E_NOT_LEADER', what: 'later', because: 'an election', so: '', try: [] };
  const later = { status: 503, body: { error: election } };
  const { port, received } = await serve(manager, later, later, { status: 200, body });
  expect(await joinAt(port)).toEqual({ kind: 'ok', value: body });
  expect(received).toHaveLength(3);
});

test('a join that never gets an answer ends, and says that nothing is known', async () => {
  const { port, received } = await serve(manager, 'cut');
  expect(await joinAt(port)).toMatchObject({ problem: { code: 'E_AMBIGUOUS' } });
  expect(received).toHaveLength(4);
});
