import { createServer } from 'node:https';
import { beforeAll, expect, test } from 'vitest';
import { realClock } from '../../env/real/clock.ts';
import { realLog } from '../../env/real/log.ts';
import { realTimers } from '../../env/real/timers.ts';
import { buildApp } from './app.ts';
import { openApiOf } from './openapi.ts';
import { makeTestService } from './test-service.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, unknown>>;
}

let document: { [key: string]: Json };
let operations: { route: string; path: string; operation: Operation }[];

beforeAll(async () => {
  const env = {
    clock: realClock(),
    timers: realTimers(),
    log: realLog({ level: 'silent', stream: { write: () => undefined } }),
  };
  const api = await buildApp(
    { env, service: makeTestService(), closing: new AbortController().signal },
    () => {
      throw new Error('nobody connects here');
    },
    (handler) => createServer(handler),
  );
  document = JSON.parse(JSON.stringify(openApiOf(api))) as typeof document;
  await api.close();
  const paths = document['paths'] as unknown as Record<string, Record<string, Operation>>;
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      route: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );
});

/** Every object in the document, with the path to it. */
function* walk(value: Json, path = '#'): Generator<[string, { [key: string]: Json }]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [path, value];
  for (const [key, child] of Object.entries(value)) {
    const step = key.replaceAll('~', '~0').replaceAll('/', '~1');
    yield* walk(child, `${path}/${step}`);
  }
}

test('every route is there, under the name that the client uses', () => {
  expect(
    operations.map(({ route, operation }) => `${route} ${operation.operationId}`).sort(),
  ).toEqual([
    'DELETE /v1/alerts/{alert} removeAlert',
    'DELETE /v1/managers/{manager} removeManager',
    'DELETE /v1/nodes/{node} removeNode',
    'DELETE /v1/nodes/{node}/fence-devices/{device} removeFenceDevice',
    'DELETE /v1/rules/{rule} removeRule',
    'DELETE /v1/vms/{vm} deleteVm',
    'GET /metrics metrics',
    'GET /openapi.json openapi',
    'GET /v1/alerts alerts',
    'GET /v1/backup backup',
    'GET /v1/events events',
    'GET /v1/explain/{topic} explain',
    'GET /v1/failover-export exportFailovers',
    'GET /v1/failovers failovers',
    'GET /v1/failovers/{id} failover',
    'GET /v1/fence-drivers fenceDrivers',
    'GET /v1/governor governor',
    'GET /v1/maintenance maintenance',
    'GET /v1/managers managers',
    'GET /v1/nodes nodes',
    'GET /v1/nodes/{node} node',
    'GET /v1/placement placement',
    'GET /v1/rules rules',
    'GET /v1/settings settings',
    'GET /v1/status status',
    'GET /v1/vms vms',
    'GET /v1/vms/{vm} vm',
    'GET /v1/vms/{vm}/screenshot screenshotOfVm',
    'GET /v1/vms/{vm}/why whyVm',
    'GET /v1/watch watchEvents',
    'POST /v1/alerts/{alert} addAlert',
    'POST /v1/alerts/{alert}/test testAlert',
    'POST /v1/arm arm',
    'POST /v1/disarm disarm',
    'POST /v1/governor/release releaseGovernor',
    'POST /v1/join join',
    'POST /v1/managers/handover handover',
    'POST /v1/managers/join joinManager',
    'POST /v1/managers/rebuild rebuildManager',
    'POST /v1/managers/tokens createManagerToken',
    'POST /v1/nodes/{node}/confirm-off confirmOff',
    'POST /v1/nodes/{node}/fence fenceNode',
    'POST /v1/nodes/{node}/fence-devices addFenceDevice',
    'POST /v1/nodes/{node}/fence-drill drillNode',
    'POST /v1/nodes/{node}/fence-test testFence',
    'POST /v1/nodes/{node}/labels labelNode',
    'POST /v1/nodes/{node}/maintenance maintainNode',
    'POST /v1/nodes/{node}/power-on powerOn',
    'POST /v1/nodes/{node}/unquarantine unquarantine',
    'POST /v1/placement/policy setPlacementPolicy',
    'POST /v1/rules addRule',
    'POST /v1/settings changeSettings',
    'POST /v1/tokens createToken',
    'POST /v1/vms createVm',
    'POST /v1/vms/adopt adoptVm',
    'POST /v1/vms/{vm}/act actOnVm',
    'POST /v1/vms/{vm}/cancel-move cancelMove',
    'POST /v1/vms/{vm}/clone cloneVm',
    'POST /v1/vms/{vm}/disable disableVm',
    'POST /v1/vms/{vm}/edit editVm',
    'POST /v1/vms/{vm}/forget forgetVm',
    'POST /v1/vms/{vm}/ignore ignoreVm',
    'POST /v1/vms/{vm}/lock lockVm',
    'POST /v1/vms/{vm}/move moveVm',
    'POST /v1/vms/{vm}/rename renameVm',
    'POST /v1/vms/{vm}/snapshot snapshotVm',
    'POST /v1/vms/{vm}/start startVm',
    'POST /v1/vms/{vm}/stop stopVm',
    'POST /v1/vms/{vm}/unlock unlockVm',
  ]);
});

test('the document is OpenAPI 3.1 in form: head, parameters, answers and references fit', () => {
  expect(document['openapi']).toBe('3.1.0');
  expect(document['info']).toMatchObject({ title: 'Kennel', version: '1' });
  for (const { route, path, operation } of operations) {
    expect.soft(operation.summary, route).toBeTruthy();
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = operation.parameters?.filter((one) => one.in === 'path') ?? [];
    expect
      .soft(
        declared.map((one) => one.name),
        route,
      )
      .toEqual(inPath);
    expect.soft(Object.keys(operation.responses ?? {}), route).toContain('200');
    for (const status of Object.keys(operation.responses ?? {})) {
      expect.soft(status, route).toMatch(/^([1-5]\d\d|[1-5]XX|default)$/);
    }
  }
  const targets = new Set([...walk(document)].map(([path]) => path));
  const references = [...walk(document)].flatMap(([, value]) => value['$ref'] ?? []);
  expect(
    references.filter((reference) => !targets.has(JSON.stringify(reference).slice(1, -1))),
  ).toEqual([]);
});

test('every route but those of joining asks for the certificate of an administrator', () => {
  expect(document['security']).toEqual([{ administrator: [] }]);
  expect(document['components']).toMatchObject({
    securitySchemes: { administrator: { type: 'mutualTLS' } },
  });
  const own = operations.filter(({ operation }) => operation.security !== undefined);
  expect(own.map(({ route, operation }) => [route, operation.security])).toEqual([
    ['POST /v1/join', []],
    ['POST /v1/managers/join', []],
    ['POST /v1/managers/handover', [{ manager: [] }]],
    ['POST /v1/managers/rebuild', [{ manager: [] }]],
  ]);
});

test('every change that an administrator makes can be a dry run', () => {
  const changes = operations.filter(({ route }) => !route.startsWith('GET'));
  const dry = changes.filter(({ operation }) =>
    operation.parameters?.some((one) => one.name === 'dryRun' && one.in === 'query'),
  );
  const rest = changes.filter((change) => !dry.includes(change)).map(({ route }) => route);
  expect(rest).toEqual([
    'POST /v1/join',
    'POST /v1/managers/join',
    'POST /v1/managers/handover',
    'POST /v1/managers/rebuild',
  ]);
});

test('there is no example or default of a secret', () => {
  const secret = /password|secret|token|key/i;
  const given = [...walk(document)]
    .filter(([path]) => secret.test(path))
    .filter(([, value]) => ['example', 'examples', 'default'].some((name) => name in value));
  expect(given.map(([path]) => path)).toEqual([]);
  expect(JSON.stringify(document)).not.toMatch(/kjt1\.[0-9a-f]{4}|PRIVATE KEY/);
});
